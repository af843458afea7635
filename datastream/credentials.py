"""What lets us into an API, a model for each kind. They hold secrets, so they stand in Prefect blocks, nowhere else."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

_NAME = r"^[A-Za-z0-9_.$\[\]-]{1,200}$"
_PEM = "-----BEGIN "


def sendable_text(text: object) -> bool:
    """Tell whether something is text that may stand in a header."""
    return isinstance(text, str) and text != "" and text.isprintable() and text.isascii()


def _sendable(value: SecretStr | None) -> SecretStr | None:
    if value is not None and not sendable_text(value.get_secret_value()):
        raise ValueError("it is empty or holds what no header may: use printable ASCII, on one line")
    return value


def web_address(value: str) -> str:
    """Return an address that may stand in messages. Raises ValueError."""
    parts = urlsplit(value)
    if parts.username is not None:
        raise ValueError("a login in the address would stand in every message; put it into the block, as auth")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{value!r} is not the address of an API; write it like https://api.example.org/v1")
    return value


def _login(value: SecretStr) -> SecretStr:
    if ":" in value.get_secret_value() or not value.get_secret_value().isprintable():
        raise ValueError("it holds a colon or what cannot be printed, which no user name may (RFC 7617, 2)")
    return value


def _is_pem(value: SecretStr) -> SecretStr:
    if _PEM not in value.get_secret_value():
        raise ValueError(f"it is no PEM, which begins with {_PEM!r}")
    return value


Sent = Annotated[SecretStr, AfterValidator(_sendable)]
Pem = Annotated[SecretStr, AfterValidator(_is_pem)]


class _Kind(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Bearer(_Kind):
    """A token that does not expire, as `Authorization: Bearer ...` (RFC 6750)."""

    kind: Literal["bearer"] = "bearer"
    token: Sent


class ApiKey(_Kind):
    """A key in a header or in the query. In the query other machines' logs may keep it; ours do not."""

    kind: Literal["api_key"] = "api_key"
    name: str = Field(description="Of the header or the parameter, for example X-API-Key", pattern=_NAME)
    place: Literal["header", "query"] = "header"
    value: Sent


class Basic(_Kind):
    """A user name and a password (RFC 7617). Some APIs take their key as the user name, so both are secret."""

    kind: Literal["basic"] = "basic"
    username: Annotated[SecretStr, AfterValidator(_login)]
    password: SecretStr = SecretStr("")


class OAuth(_Kind):
    """A token that an OAuth server gives for a while (RFC 6749)."""

    token_url: Annotated[str, AfterValidator(web_address)] = Field(description="Where tokens are asked for")
    client_id: str = Field(pattern=r"^[ -~]+$")
    client_auth: Literal["client_secret_basic", "client_secret_post"] = Field(
        default="client_secret_basic", description="How the client's secret is sent: in a header, or in the form"
    )
    client_secret: Annotated[SecretStr | None, AfterValidator(_sendable)] = None
    scope: str | None = Field(default=None, description="Scopes, separated by spaces")
    params: dict[str, str] = Field(default={}, description="What else token_url wants, for example audience; no secret")


class ClientCredentials(OAuth):
    """A token for a client's secret (OAuth 2.0, RFC 6749, 4.4), renewed by one worker for all."""

    kind: Literal["client_credentials"] = "client_credentials"
    client_secret: Sent


class RefreshToken(OAuth):
    """A token for a refresh token (RFC 6749, 6), renewed by one worker for all. What replaces it is kept in Redis."""

    kind: Literal["refresh_token"] = "refresh_token"
    refresh_token: Sent


class Jwt(_Kind):
    """A token that we sign ourselves (RFC 7519), with `iat` and `exp`, and signed anew before it expires."""

    kind: Literal["jwt"] = "jwt"
    algorithm: Literal[
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
        "Ed25519",
    ]  # fmt: skip
    key: SecretStr = Field(description="A private key as PEM; for HS256 to HS512 the shared secret", min_length=1)
    key_id: str | None = Field(default=None, description="Sent as `kid`, where the API tells keys apart by it")
    claims: dict[str, Any] = Field(default={}, description="For example iss, sub and aud")
    lifetime: timedelta = Field(default=timedelta(minutes=5), ge=timedelta(seconds=10))
    header: str = Field(default="Authorization", pattern=_NAME)
    prefix: str = Field(default="Bearer", pattern=r"^[ -~]*$", description="Stands before the token; it may be empty")


Auth = Bearer | ApiKey | Basic | ClientCredentials | RefreshToken | Jwt


class ClientCertificate(_Kind):
    """What we show of ourselves in the TLS handshake (RFC 8446, 4.4.2), all in PEM."""

    certificate: Pem = Field(description="Ours, followed by those that lead to an authority which the API knows")
    key: Pem
    password: SecretStr | None = Field(default=None, description="Of the key, if it has one")
