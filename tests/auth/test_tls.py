"""Mutual TLS with a real server: a certificate opens the API, and what does not fit is told without the key."""

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from datastream.auth import CredentialUnusable
from datastream.connections import ApiConfig
from datastream.sources.client import check, open_api
from datastream.sources.exchange import ApiUnreachable
from tests.fake_api import LOCAL
from tests.servers import PatientHandler, PatientServer

PASSWORD = "k3y-passw0rd"  # noqa: S105 - it is what must not be seen


@dataclass
class Certificate:
    """One, with its key."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def key_pem(self, password: str = "", form: Any = serialization.PrivateFormat.PKCS8) -> str:
        sealed = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, form, sealed).decode()


def certificate(name: str, by: Certificate | None = None) -> Certificate:
    key, named = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(by.name if by else named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .sign(by.key if by else key, hashes.SHA256())
    )
    return Certificate(named, key, made)


AUTHORITY, STRANGER = certificate("authority"), certificate("stranger")
OURS = certificate("ours", AUTHORITY)


class Handler(PatientHandler):
    def do_GET(self) -> None:  # noqa: N802 - the name is the library's
        subject = dict(pair[0] for pair in self.connection.getpeercert()["subject"])
        known = subject["commonName"] == "ours"
        self.send_response(200 if known else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Server(PatientServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of handshakes that fail: the tests look at the client."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    own = certificate("server", AUTHORITY)
    file.write_text(own.pem + own.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.load_verify_locations(cadata=AUTHORITY.pem)
    context.verify_mode = ssl.CERT_REQUIRED
    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def config(url: str, *, ca: str | None = AUTHORITY.pem, **fields: Any) -> ApiConfig:
    shown = {"certificate": OURS.pem, "key": OURS.key_pem()} | fields
    return ApiConfig(
        base_url=url, client_certificate=shown if shown["certificate"] else None, ca=ca, private_networks=LOCAL
    )


OPENSSL = serialization.PrivateFormat.TraditionalOpenSSL


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"key": OURS.key_pem(PASSWORD), "password": PASSWORD},
        {"key": OURS.key_pem(PASSWORD, OPENSSL), "password": PASSWORD},
        {"certificate": OURS.pem + AUTHORITY.pem},
        {"certificate": (OURS.pem + AUTHORITY.pem).replace("\n", ""), "key": OURS.key_pem().replace("\n", "")},
    ],
    ids=["plain", "password", "old form", "chain", "in one line"],
)
def test_a_certificate_opens_the_api(url: str, fields: dict[str, str]) -> None:
    assert check(config(url, **fields)) == f"The API at {url} answers."


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"certificate": ""}, ""),
        ({"certificate": STRANGER.pem, "key": STRANGER.key_pem()}, ""),
        ({"ca": None}, "self-signed certificate in certificate chain.*"),
    ],
    ids=["none", "of a stranger", "of a server that we do not know"],
)
def test_without_the_right_certificate_nobody_gets_in(url: str, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ApiUnreachable, match=f"{said}is its address, ca and client_certificate in its block right"):
        check(config(url, **fields))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"key": STRANGER.key_pem()}, "client_certificate in the API block cannot be used"),
        ({"key": OURS.key_pem(PASSWORD)}, "Password was not given"),
        ({"key": OURS.key_pem(PASSWORD), "password": "wr0ng-passw0rd"}, "(?i)password"),
        ({"key": OURS.key_pem()[:-40]}, "cannot be used"),
        ({"certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "cannot be used"),
        ({"ca": "nothing"}, "ca in the API block cannot be read"),
    ],
    ids=["another's key", "no password", "wrong password", "half a key", "no certificate", "no authority"],
)
def test_what_does_not_fit_is_told_and_not_shown(url: str, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(CredentialUnusable, match=said) as told, open_api(config(url, **fields)):
        pass
    key = fields.get("key", OURS.key_pem()).splitlines()[1]
    assert not [secret for secret in (key, PASSWORD, "wr0ng-passw0rd") if secret in repr(told.value)]


def test_the_key_is_on_disk_for_a_moment_and_under_a_password(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    loaded = ssl.SSLContext.load_cert_chain

    def watched(context: ssl.SSLContext, file: Path, **more: Any) -> None:
        seen.extend((file.read_text(), f"{file.parent.stat().st_mode & 0o777:o}"))
        loaded(context, file, **more)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    check(config(url))
    text, mode = seen
    assert "ENCRYPTED PRIVATE KEY" in text
    assert OURS.key_pem().splitlines()[1] not in text
    assert mode == "700"
    assert list(tmp_path.iterdir()) == []
