"""What the environment says: `DATASTREAM_*` variables and `.env`, read once, by a process's main only.

Everything below main receives values, never the environment.
"""

import os
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from datastream.connections import LakeConfig
from datastream.errors import Permanent

_CHECKOUT = Path(__file__).resolve().parents[1]


class SettingsWrong(Permanent):
    """A variable of the environment or a line of `.env` has a value that cannot be used."""


class Settings(BaseSettings):
    """The settings of one process. `DATASTREAM_LAKE_URI=file:///data/lake` sets `lake_uri`, and so on."""

    model_config = SettingsConfigDict(env_prefix="DATASTREAM_", extra="ignore", frozen=True)

    project: Path
    """The folder that holds `streams/` and `expectations/`."""
    lake_uri: str = ""
    """Where committed data lives; by default `.datastream/lake` in the project."""
    s3_endpoint: str | None = None
    """Where S3 is, if the lake lies there and it is not Amazon's."""
    s3_access_key: str | None = None
    s3_secret_key: SecretStr | None = None
    redis_url: SecretStr | None = None
    """The stream buffer, which also keeps the leases; without it runs of one lane are told apart by the lake alone."""

    @classmethod
    def read(cls) -> Self:
        """Return what the environment says, then the project's `.env`, then the defaults. Raises SettingsWrong."""
        project = Path(os.environ.get("DATASTREAM_PROJECT") or _nearest_project(Path.cwd()))
        try:
            return cls(project=project, _env_file=project / ".env")
        except ValidationError as error:
            raise _wrong(error) from error
        except UnicodeDecodeError as error:
            raise SettingsWrong(f"{project / '.env'} is not text: {error}. Mend or remove it.") from error

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not _speaks_redis(value.get_secret_value()):
            raise ValueError("it is not the address of a Redis; write it like redis://127.0.0.1:6379/0")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.lake_uri:
            object.__setattr__(self, "lake_uri", (self.state / "lake").as_uri())
        return self

    @property
    def lake(self) -> LakeConfig:
        """The lake. Raises SettingsWrong."""
        try:
            return LakeConfig(
                uri=self.lake_uri,
                endpoint=self.s3_endpoint,
                access_key=self.s3_access_key,
                secret_key=self.s3_secret_key,
            )
        except ValidationError as error:
            raise _wrong(error) from error

    @property
    def streams(self) -> Path:
        """The folder of stream files."""
        return self.project / "streams"

    @property
    def expectations(self) -> Path:
        """The folder of expectation suites."""
        return self.project / "expectations"

    @property
    def state(self) -> Path:
        """The folder of the local stack's own data."""
        return self.project.resolve() / ".datastream"


def _speaks_redis(address: str) -> bool:
    parts = urlsplit(address)
    try:
        return parts.scheme in ("redis", "rediss", "unix") and parts.port != 0
    except ValueError:
        return False


def _wrong(error: ValidationError) -> SettingsWrong:
    said = "; ".join(e["msg"].removeprefix("Value error, ") for e in error.errors())
    names = {"uri": "lake_uri"}
    where = ", ".join(f"DATASTREAM_{names.get(n := str(e['loc'][0]), n)}".upper() for e in error.errors())
    return SettingsWrong(f"{where} cannot be used: {said}. Correct it in the environment or in .env.")


def _nearest_project(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds `streams/`, else the checkout this code lies in."""
    for folder in (start, *start.parents):
        if (folder / "streams").is_dir() and (folder / "expectations").is_dir():
            return folder
    return _CHECKOUT
