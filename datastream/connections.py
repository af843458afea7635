"""The fields of each connection, written once; environment, stream file and Prefect block are skins over them."""

import base64
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, field_validator

from datastream.credentials import Auth, ClientCertificate, web_address

_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}")
_LEAST_KEY_BYTES, _MOST_KEY_BYTES = 24, 64  # what Standard Webhooks allows
_A_SECRET = f"whsec_ followed by {_LEAST_KEY_BYTES} to {_MOST_KEY_BYTES} bytes in base64"

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)  # what is wrong may be a secret, and errors are logged


class ApiBudget(BaseModel):
    """So many requests in any span of such a length, from all workers together."""

    model_config = _STRICT

    requests: int = Field(ge=1)
    per: timedelta = Field(gt=timedelta(), le=timedelta(days=1))


class ApiAddress(BaseModel):
    """Where a REST API is, what is sent with each request, and how long and how large an answer may be."""

    model_config = _STRICT

    base_url: str = Field(description="Scheme, host and an optional path, for example https://api.example.org/v1")
    headers: dict[str, SecretStr] = Field(default={}, description="Sent with each request; values are kept secret")
    timeout: timedelta = Field(default=timedelta(seconds=30), description="For one answer, from request to last byte")
    max_answer_bytes: int = Field(default=64 * 1024 * 1024, description="A larger answer is refused", ge=1)
    private_networks: list[IPvAnyNetwork] = Field(
        default=[], description="An API inside: where it may be besides public addresses, for example 10.0.0.0/8"
    )
    budget: ApiBudget | None = Field(
        default=None, description="How often it may be asked, where it does not say so itself"
    )
    connections: int = Field(default=4, description="Pages fetched at the same time, where the paginator allows", ge=1)

    @field_validator("headers")
    @classmethod
    def _can_be_sent(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, secret in value.items():
            text = f"{name}{secret.get_secret_value()}"
            if not text.isprintable() or not text.isascii():
                raise ValueError(f"the header {name!r} holds what no header may: use printable ASCII, on one line")
        return value

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, value: str) -> str:
        return web_address(value).rstrip("/")


class ApiConfig(ApiAddress):
    """A REST API: where it is, what lets us in, and how long and how large an answer may be."""

    auth: Auth | None = Field(default=None, description="What lets us in", discriminator="kind")
    client_certificate: ClientCertificate | None = Field(default=None, description="For mutual TLS")
    ca: str | None = Field(default=None, description="PEM of authorities that are trusted besides the machine's own")


class LakeConfig(BaseModel):
    """Where committed data lives."""

    model_config = _STRICT

    uri: str = Field(description="A folder or a bucket, for example file:///data/lake or s3://bucket/prefix")
    endpoint: str | None = Field(default=None, description="Where S3 is, if it is not Amazon's")
    access_key: str | None = Field(default=None, description="For S3; without it, what the machine's own settings say")
    secret_key: SecretStr | None = Field(default=None, description="For S3")

    @field_validator("uri")
    @classmethod
    def _can_be_opened(cls, value: str) -> str:
        parts = urlsplit(value)
        if "@" in parts.netloc:
            raise ValueError("a login in the address would stand in every message; name access_key and secret_key")
        plain = not parts.query and not parts.fragment and "\0" not in unquote(value)
        folder = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/") and plain
        bucket = parts.scheme == "s3" and _BUCKET.fullmatch(parts.netloc) is not None and plain
        if not folder and not bucket:
            raise ValueError(f"{value!r} is no lake; write it like file:///data/lake or s3://bucket/prefix")
        return value.rstrip("/") if bucket else value

    @field_validator("endpoint")
    @classmethod
    def _is_endpoint(cls, value: str | None) -> str | None:
        if value and "@" in value:
            raise ValueError("a login in the address would stand in every message; name access_key and secret_key")
        if value and not (_speaks(SecretStr(value), "http", "https") and urlsplit(value).hostname):
            raise ValueError(f"{value!r} is not where an S3 is; write it like https://s3.example.org")
        return value or None

    @property
    def host(self) -> str:
        """The S3 that holds the bucket, for people."""
        return urlsplit(self.endpoint).netloc if self.endpoint else "amazonaws.com"

    @property
    def folder(self) -> Path | None:
        """The lake's folder; None if it is a bucket."""
        parts = urlsplit(self.uri)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None


class BufferConfig(BaseModel):
    """The Redis or Valkey that keeps what came by webhook until it is committed, and the leases of runs."""

    model_config = _STRICT

    url: SecretStr = Field(description="For example redis://127.0.0.1:6379/0; it may hold a password")
    timeout: timedelta = Field(default=timedelta(seconds=2), description="For one answer", gt=timedelta())

    @field_validator("url")
    @classmethod
    def _is_redis(cls, value: SecretStr) -> SecretStr:
        if not _speaks(value, "redis", "rediss", "unix") or urlsplit(value.get_secret_value()).query:
            raise ValueError("it is not the address of a Redis; write it as redis://127.0.0.1:6379/0, no more")
        return value


class EventBusConfig(BaseModel):
    """The RabbitMQ on which commits are announced."""

    model_config = _STRICT

    url: SecretStr = Field(description="For example amqp://user:password@127.0.0.1:5672/%2F")
    timeout: timedelta = Field(default=timedelta(seconds=5), description="For one answer", gt=timedelta())

    @field_validator("url")
    @classmethod
    def _is_rabbitmq(cls, value: SecretStr) -> SecretStr:
        if not _speaks(value, "amqp", "amqps"):
            raise ValueError(
                "it is not the address of a RabbitMQ; write it like amqp://user:password@127.0.0.1:5672/%2F"
            )
        return value


class WebhookConfig(BaseModel):
    """What a sender of webhooks signs with (Standard Webhooks). While a secret is rotated, both are valid."""

    model_config = _STRICT

    secrets: list[SecretStr] = Field(description="whsec_ and base64, 24 to 64 bytes each", min_length=1)
    tolerance: timedelta = Field(default=timedelta(minutes=5), description="How old a post may be", gt=timedelta())

    @field_validator("secrets")
    @classmethod
    def _can_sign(cls, value: list[SecretStr]) -> list[SecretStr]:
        for at, secret in enumerate(value, 1):
            if not _signs(secret):
                raise ValueError(f"secret {at} is not {_A_SECRET}")
        return value

    @property
    def keys(self) -> list[bytes]:
        """The secrets as the bytes that sign."""
        return [signing_key(secret) for secret in self.secrets]


class AlertsConfig(BaseModel):
    """Who is told when an incident opens or closes: a receiver of webhooks of one's own, inside or outside."""

    model_config = _STRICT

    url: SecretStr = Field(description="For example https://alerts.example.org/hook; its path may be a secret")
    secret: SecretStr = Field(description="What posts are signed with: whsec_ and base64, 24 to 64 bytes")

    @field_validator("url")
    @classmethod
    def _is_http(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if not (_speaks(value, "http", "https") and parts.hostname and parts.username is None):
            raise ValueError("it is no address to post to; write it like https://alerts.example.org/hook, no login")
        return value

    @field_validator("secret")
    @classmethod
    def _can_sign(cls, value: SecretStr) -> SecretStr:
        if not _signs(value):
            raise ValueError(f"it is not {_A_SECRET}")
        return value

    @property
    def host(self) -> str:
        """The receiver, for people."""
        return urlsplit(self.url.get_secret_value()).netloc


def signing_key(secret: SecretStr) -> bytes:
    """Return the bytes that a secret stands for. Raises ValueError."""
    return base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)


def _signs(secret: SecretStr) -> bool:
    try:
        return _LEAST_KEY_BYTES <= len(signing_key(secret)) <= _MOST_KEY_BYTES
    except ValueError:
        return False


def _speaks(address: SecretStr, *schemes: str) -> bool:
    try:
        parts = urlsplit(address.get_secret_value())
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and port != 0
