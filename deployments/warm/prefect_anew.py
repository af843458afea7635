"""Has Prefect in a forked run know what it reads when it is imported, and spares it what would come out the same."""

import functools
import os
import ssl
from copy import deepcopy
from logging.config import dictConfig
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.settings import Settings

_OVERRIDES = "PREFECT_LOGGING_"
# Reading the trusted certificates takes 20 ms, and Prefect does it for each of the seven clients of a start.
_trust = functools.cache(ssl.create_default_context)


def read_anew() -> None:
    """Read environment and profile, and set logging up, as an import of Prefect does."""
    from prefect.context import refresh_global_settings_context
    from prefect.logging import configuration
    from prefect.settings import get_current_settings

    before = _logging(get_current_settings())
    refresh_global_settings_context()
    settings = get_current_settings()
    if _logging(settings) == before and not _has_own_logging(settings):
        dictConfig(deepcopy(configuration.PROCESS_LOGGING_CONFIG))  # anew, for this process's standard error
    else:
        configuration.PROCESS_LOGGING_CONFIG.clear()
        configuration.setup_logging()
    if str(settings.api.url).startswith("http://"):
        share_trust()


def trust() -> None:
    """Read the trusted certificates that Prefect reads for each client, ahead of a fork."""
    import certifi

    _trust(cafile=certifi.where())


def share_trust() -> None:
    """Have Prefect's clients share a TLS context instead of making one each, which is for servers that use none."""
    import prefect._internal.version_checking
    import prefect.client.orchestration

    shared = SimpleNamespace(**{**vars(ssl), "create_default_context": _trust})
    for module in (prefect.client.orchestration, prefect._internal.version_checking):  # noqa: SLF001 - nobody else asks
        vars(module)["ssl"] = shared


def _logging(settings: "Settings") -> object:
    """Return the settings that logging is set up by, except where its file is."""
    return (
        settings.logging.model_copy(update={"config_path": None}),
        settings.server.logging_level,
        settings.internal.logging_level,
    )


def _has_own_logging(settings: "Settings") -> bool:
    """Tell whether a file or variables say more of logging than settings do."""
    where = settings.logging.config_path
    return bool(where and where.exists()) or any(name.startswith(_OVERRIDES) for name in os.environ)
