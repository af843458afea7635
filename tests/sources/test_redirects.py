"""S24: a redirect is followed on the API's own host, three times in a row, and credentials go nowhere else."""

import datetime as dt
import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from datastream.sources.client import open_api
from datastream.sources.exchange import ApiUnreachable
from datastream.sources.judge import ApiRefused
from datastream.sources.reach import AddressRefused
from datastream.sources.request import Request, same_host
from tests.fake_api import FakeApi
from tests.sources.talk import PUBLIC, Canary, ask, config_of, reply, talking

ELSEWHERE = {
    "another port": "http://127.0.0.1:{canary}/",
    "another host": "http://localhost:{canary}/",
    "the same host in other words": "http://127.1:{api}/",
    "no scheme": "//127.0.0.1:{canary}/",
    "a file": "file:///etc/passwd",
    "a file of the host": "file://127.0.0.1:{api}/etc/passwd",
    "gopher": "gopher://127.0.0.1:{canary}/_GET",
    "ftp": "ftp://127.0.0.1:{canary}/",
    "a login": "http://name:word@127.0.0.1:{api}/",
    "the host as a login": "http://127.0.0.1:{api}@127.0.0.1:{canary}/",
    "a fragment": "http://127.0.0.1:{canary}#@127.0.0.1:{api}/",
    "no address": "http://[",
    "metadata": "http://169.254.169.254/latest/meta-data/",
}


def moved(where: dict[str, str]) -> Callable[[str], tuple[int, dict[str, str], bytes] | None]:
    """Redirect from each path to another."""
    return lambda target: (302, {"Location": where[target]}, b"") if target in where else (200, {}, b"[]")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_same_host_is_followed(api: FakeApi, status: int) -> None:
    api.fault = lambda target: (status, {"Location": "/there?a=1"}, b"") if target == "/here" else (200, {}, b"[]")
    assert ask(config_of(f"{api.url}/here", "127.0.0.1")) == b"[]"
    assert api.asked == ["/here", "/there?a=1"]


def test_three_redirects_in_a_row_are_followed_and_four_are_not(api: FakeApi) -> None:
    api.fault = moved({f"/{hop}": f"/{hop + 1}" for hop in range(1, 5)})
    assert ask(config_of(f"{api.url}/2", "127.0.0.1")) == b"[]"
    api.asked.clear()
    with pytest.raises(ApiRefused, match="which is not followed: it is the redirect number 4 in a row"):
        ask(config_of(f"{api.url}/1", "127.0.0.1"))
    assert api.asked == ["/1", "/2", "/3", "/4"]


@pytest.mark.parametrize("location", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_redirect_elsewhere_is_refused(api: FakeApi, canary: Canary, location: str) -> None:
    place = location.format(api=api.url.rpartition(":")[2], canary=canary.port)
    api.fault = moved({"/here": place})
    with pytest.raises(ApiRefused, match="which is not followed: that is elsewhere") as told:
        ask(config_of(f"{api.url}/here", private_networks=["127.0.0.0/8", "169.254.0.0/16"]))
    assert repr(place) in str(told.value)
    assert (canary.hits, api.asked) == (0, ["/here"])


def test_an_address_that_can_be_read_in_two_ways_is_read_by_what_connects(api: FakeApi, canary: Canary) -> None:
    """To some readers the host stands behind the @, to others before the backslash."""
    port = api.url.rpartition(":")[2]
    api.fault = moved({"/here": f"http://127.0.0.1:{port}\\@127.0.0.1:{canary.port}/"})
    assert ask(config_of(f"{api.url}/here", "127.0.0.1")) == b"[]"
    assert (canary.hits, len(api.asked)) == (0, 2)


def test_each_hop_is_judged_anew() -> None:
    """The host was public when it was asked, and is this machine when its redirect is followed."""
    with (
        talking(lambda peer, _: peer.sendall(reply(b"", "Location: /x", status="302 Found"))) as public,
        closing(Canary(public.port)) as here,
    ):
        answers = iter([[PUBLIC], ["127.0.0.1"]])
        with pytest.raises(AddressRefused):
            ask(config_of(f"http://api.test:{public.port}"), lambda *_: next(answers))
        assert (len(public.heads), here.hits) == (1, 0)


def test_a_post_is_not_sent_again() -> None:
    with (
        talking(lambda peer, _: peer.sendall(reply(b"", "Location: /x", status="307 Moved"))) as public,
        open_api(config_of(public.url)) as client,
        pytest.raises(ApiRefused, match="a POST is not sent twice"),
    ):
        client.ask(Request(client.base_url, "POST", body=b""))
    assert len(public.heads) == 1


def test_a_redirect_that_forgets_the_question_is_not_followed(api: FakeApi) -> None:
    """Its answer would be taken for the page that was asked for, and that page would never be read."""
    api.fault = moved({"/rows?page=2": "/rows/"})
    with pytest.raises(ApiRefused, match="another page would be taken for this one"):
        ask(config_of(f"{api.url}/rows?page=2", "127.0.0.1"))


def test_credentials_go_with_a_redirect_to_the_same_host() -> None:
    replies = iter([reply(b"", "Location: /there", status="302 Found"), reply(b"[]")])
    with talking(lambda peer, _: peer.sendall(next(replies))) as public:
        assert ask(config_of(public.url, headers={"Authorization": "Bearer s3cr3t"})) == b"[]"
    assert ["Authorization: Bearer s3cr3t\r\n" in head for head in public.heads] == [True, True]


SAME = [("http://h/a", "http://h:80/b"), ("https://h", "https://H:443"), ("https://h:8443/", "http://h:80")]
OTHER = [("http://h", "https://h"), ("http://h:81", "http://h"), ("http://h.evil", "http://h"), ("", "http://h")]
OTHER += [("https://h:8443", "https://h"), ("http://h:x", "http://h"), ("http://h@evil", "http://h")]


@pytest.mark.parametrize(("url", "home", "same"), [(*pair, True) for pair in SAME] + [(*pair, False) for pair in OTHER])
def test_a_host_is_the_same_with_its_scheme_and_port_or_with_tls(url: str, home: str, *, same: bool) -> None:
    assert same_host(url, home) is same


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate of api.test, which this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api.test")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("api.test")]), critical=False)
    certificate, secret = tmp_path / "api.pem", tmp_path / "api.key"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    return context


def test_tls_is_with_the_name_though_the_connection_is_to_an_address(tls: ssl.SSLContext) -> None:
    with talking(lambda peer, _: peer.sendall(reply(b"[]")), tls) as public:
        assert ask(config_of(f"https://api.test:{public.port}"), lambda *_: [PUBLIC]) == b"[]"
    assert public.names == ["api.test"]
    assert f"Host: api.test:{public.port}\r\n" in public.heads[0]


def test_a_certificate_of_another_name_is_refused(tls: ssl.SSLContext) -> None:
    with talking(lambda peer, _: peer.sendall(reply(b"[]")), tls) as public:
        with pytest.raises(ApiUnreachable, match=r"else\.test"):
            ask(config_of(f"https://else.test:{public.port}"), lambda *_: [PUBLIC])
        assert (public.names, public.heads) == (["else.test"], [])


def test_a_redirect_to_tls_on_the_same_host_is_followed(tls: ssl.SSLContext) -> None:
    with talking(lambda peer, _: peer.sendall(reply(b"[]")), tls) as safe:
        there = f"Location: https://api.test:{safe.port}/a"
        with talking(lambda peer, _: peer.sendall(reply(b"", there, status="301 Moved"))) as plain:
            assert ask(config_of(f"http://api.test:{plain.port}/a"), lambda *_: [PUBLIC]) == b"[]"
    assert safe.names == ["api.test"]
