"""Keys and certificates as they are pasted, and the TLS that is spoken with them."""

import re
import secrets
import ssl
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from datastream.auth.errors import CredentialUnusable
from datastream.credentials import ClientCertificate

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----")


def mended(text: str) -> str:
    """Return PEM in lines again (RFC 7468): a form of one line takes away the line breaks of what is pasted into it."""
    return _BLOCK.sub(_in_lines, text.replace("\\n", "\n"))


def _in_lines(found: re.Match[str]) -> str:
    content = re.sub(r"\s+", "", found[2])
    lines = [content[at : at + 64] for at in range(0, len(content), 64)]
    return "\n".join(["", f"-----BEGIN {found[1]}-----", *lines, f"-----END {found[1]}-----", ""])


def tls(certificate: ClientCertificate | None, ca: str | None) -> ssl.SSLContext | None:
    """Return what a connection is made with; None if the machine's own settings do. Raises CredentialUnusable."""
    if certificate is None and ca is None:
        return None
    context = ssl.create_default_context()
    if ca is not None:
        try:
            context.load_verify_locations(cadata=mended(ca))
        except (ssl.SSLError, ValueError) as error:
            raise CredentialUnusable(
                f"ca in the API block cannot be read: {error}. Give certificates as PEM."
            ) from error
    if certificate is not None:
        _show(context, certificate)
    return context


def ends_at(certificate: ClientCertificate) -> datetime:
    """Return when the first of its certificates ends. Raises CredentialUnusable."""
    from cryptography import x509

    try:
        chain = x509.load_pem_x509_certificates(mended(certificate.certificate.get_secret_value()).encode())
    except ValueError as error:
        raise CredentialUnusable(
            f"client_certificate in the API block cannot be read: {_first_line(error)}. Give certificates as PEM."
        ) from None
    return min(each.not_valid_after_utc for each in chain)


def _show(context: ssl.SSLContext, certificate: ClientCertificate) -> None:
    """Let `context` show a certificate. Python reads one from a file only, so the key goes there under a password that
    nobody keeps: a file that a crash leaves behind is worth nothing.
    """
    once = secrets.token_urlsafe(32)
    try:
        key = _sealed(certificate, once)
        with TemporaryDirectory(prefix="datastream-") as folder:
            file = Path(folder) / "client.pem"
            file.write_text(f"{mended(certificate.certificate.get_secret_value())}\n{key}")
            context.load_cert_chain(file, password=once)
    except (ssl.SSLError, ValueError, TypeError) as error:
        raise CredentialUnusable(
            f"client_certificate in the API block cannot be used: {_first_line(error)}. Give certificate and key as "
            "PEM that belong together, and the key's password if it has one."
        ) from None


def _sealed(certificate: ClientCertificate, password: str) -> str:
    from cryptography.hazmat.primitives import serialization as forms

    given: Any = certificate.password and certificate.password.get_secret_value().encode()
    key = forms.load_pem_private_key(mended(certificate.key.get_secret_value()).encode(), given or None)
    kept = forms.BestAvailableEncryption(password.encode())
    return key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, kept).decode()


def _first_line(error: Exception) -> str:
    return str(error.args[-1] if error.args else type(error).__name__).partition("\n")[0].rstrip(".")
