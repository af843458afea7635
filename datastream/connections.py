"""The fields of each connection, written once; environment, stream file and Prefect block are skins over them."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class ApiConfig(BaseModel):
    """A REST API: where it is, what is sent with each request, and how long and how large an answer may be."""

    model_config = ConfigDict(extra="forbid")

    base_url: str = Field(description="Scheme, host and an optional path, for example https://api.example.org/v1")
    headers: dict[str, SecretStr] = Field(default={}, description="Sent with each request; values are kept secret")
    timeout: timedelta = Field(default=timedelta(seconds=30), description="For one answer, from request to last byte")
    max_answer_bytes: int = Field(default=64 * 1024 * 1024, description="A larger answer is refused", ge=1)
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
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{value!r} is not the address of an API; write it like https://api.example.org/v1")
        return value.rstrip("/")


class LakeConfig(BaseModel):
    """Where committed data lives."""

    model_config = ConfigDict(extra="forbid")

    uri: str = Field(description="A folder or a bucket, for example file:///data/lake or s3://bucket/prefix")
    endpoint: str | None = Field(default=None, description="Where S3 is, if it is not Amazon's")
    access_key: str | None = Field(default=None, description="For S3; without it, what the machine's own settings say")
    secret_key: SecretStr | None = Field(default=None, description="For S3")

    @field_validator("uri")
    @classmethod
    def _can_be_opened(cls, value: str) -> str:
        parts = urlsplit(value)
        plain = not parts.query and not parts.fragment and "\0" not in unquote(value)
        folder = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/") and plain
        bucket = parts.scheme == "s3" and bool(parts.netloc)
        if not folder and not bucket:
            raise ValueError(f"{value!r} is no lake; write it like file:///data/lake or s3://bucket/prefix")
        return value.rstrip("/") if bucket else value

    @property
    def folder(self) -> Path | None:
        """The lake's folder; None if it is a bucket."""
        parts = urlsplit(self.uri)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None
