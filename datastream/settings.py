"""What the environment says: `DATASTREAM_*` variables and `.env`, read once, by a process's main only.

Everything below main receives values, never the environment.
"""

import os
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from datastream.connections import AlertsConfig, BufferConfig, EventBusConfig, LakeConfig
from datastream.errors import Permanent

C = TypeVar("C", bound=BaseModel)
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
    rabbitmq_url: SecretStr | None = None
    """Where commits are announced; without it the lake's log keeps what there is to announce."""
    alert_webhook_url: SecretStr | None = None
    """Who is told, by a signed post, when an incident of a stream's quality opens or closes."""
    alert_webhook_secret: SecretStr | None = None

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

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.lake_uri:
            object.__setattr__(self, "lake_uri", (self.state / "lake").as_uri())
        return self

    @property
    def lake(self) -> LakeConfig:
        """The lake. Raises SettingsWrong."""
        keys = {"endpoint": self.s3_endpoint, "access_key": self.s3_access_key, "secret_key": self.s3_secret_key}
        return _checked(LakeConfig, {"uri": "lake_uri", "endpoint": "s3_endpoint"}, uri=self.lake_uri, **keys)

    @property
    def buffer(self) -> BufferConfig | None:
        """The stream buffer, or None. Raises SettingsWrong."""
        return None if self.redis_url is None else _checked(BufferConfig, {"url": "redis_url"}, url=self.redis_url)

    @property
    def events(self) -> EventBusConfig | None:
        """The event bus, or None. Raises SettingsWrong."""
        wanted = self.rabbitmq_url
        return None if wanted is None else _checked(EventBusConfig, {"url": "rabbitmq_url"}, url=wanted)

    @property
    def alerts(self) -> AlertsConfig | None:
        """The receiver of alerts, or None. Raises SettingsWrong."""
        url, secret = self.alert_webhook_url, self.alert_webhook_secret
        if url is None:
            return None
        names = {"url": "alert_webhook_url", "secret": "alert_webhook_secret"}
        return _checked(AlertsConfig, names, url=url, secret=secret or SecretStr(""))

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


def _checked(config: type[C], names: dict[str, str], **fields: Any) -> C:
    try:
        return config(**fields)
    except ValidationError as error:
        raise _wrong(error, names) from error


def _wrong(error: ValidationError, names: dict[str, str] | None = None) -> SettingsWrong:
    said = "; ".join(e["msg"].removeprefix("Value error, ") for e in error.errors())
    where = ", ".join(f"DATASTREAM_{(names or {}).get(n := str(e['loc'][0]), n)}".upper() for e in error.errors())
    return SettingsWrong(f"{where} cannot be used: {said}. Correct it in the environment or in .env.")


def _nearest_project(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds `streams/`, else the checkout this code lies in."""
    for folder in (start, *start.parents):
        if (folder / "streams").is_dir() and (folder / "expectations").is_dir():
            return folder
    return _CHECKOUT
