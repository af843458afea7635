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

    uri: str = Field(description="A folder of this machine, for example file:///data/lake")

    @field_validator("uri")
    @classmethod
    def _is_a_folder(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "file" or parts.netloc or not parts.path.startswith("/"):
            raise ValueError(f"{value!r} is not a lake this version can open; write it like file:///data/lake")
        return value

    @property
    def folder(self) -> Path:
        """The lake's folder."""
        return Path(unquote(urlsplit(self.uri).path))
