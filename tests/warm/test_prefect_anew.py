"""What Prefect reads when it is imported it knows in a forked run too; certificates that no server has are spared."""

import logging
import os
import ssl
from collections.abc import Callable, Iterator
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import certifi
import pytest

from deployments.warm import prefect_anew
from tests.forks import forks

OWN_FILE = """
version: 1
handlers: {console: {class: logging.StreamHandler, level: 13}}
loggers: {prefect: {level: "${PREFECT_LOGGING_LEVEL}", handlers: [console]}}
"""
LOGGERS = ("", "prefect", "prefect.flow_runs", "prefect.server", "prefect._internal", "mine")


@pytest.fixture(scope="module")
def forked() -> Iterator[Pool]:
    """Processes for one call each, forked from one that has loaded Prefect."""
    with forks().Pool(1, maxtasksperchild=1) as pool:
        yield pool
        pool.close()
        pool.join()


def logging_of(read: Callable[[], None], env: dict[str, str]) -> dict[str, Any]:
    """Return how each logger is set up once Prefect has read these variables."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    settle(clean)
    prefect_anew.read_anew()
    settle({**clean, **env})
    read()
    loggers = {name: logging.getLogger(name) for name in LOGGERS}
    return {
        name: [logger.level, logger.propagate, *(f"{type(each)} {each.level}" for each in logger.handlers)]
        for name, logger in loggers.items()
    }


def settle(env: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(env)


def all_anew() -> None:
    """Do what an import of Prefect does, whatever that takes."""
    from prefect.context import refresh_global_settings_context
    from prefect.logging import configuration

    refresh_global_settings_context()
    configuration.PROCESS_LOGGING_CONFIG.clear()
    configuration.setup_logging()


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"PREFECT_LOGGING_LEVEL": "DEBUG"},
        {"PREFECT_DEBUG_MODE": "1"},
        {"PREFECT_SERVER_LOGGING_LEVEL": "ERROR"},
        {"PREFECT_INTERNAL_LOGGING_LEVEL": "INFO"},
        {"PREFECT_LOGGING_LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "CRITICAL"},
        {"PREFECT_LOGGING_EXTRA_LOGGERS": "mine"},
    ],
    ids=lambda env: next(iter(env), "nothing"),
)
def test_a_variable_sets_logging_up_as_in_a_process_that_imports_prefect(
    forked: Pool, tmp_path: Path, env: dict[str, str]
) -> None:
    here = {"PREFECT_HOME": str(tmp_path), **env}
    seen = forked.apply(logging_of, (prefect_anew.read_anew, here))
    assert seen == forked.apply(logging_of, (all_anew, here))
    assert not env or seen != forked.apply(logging_of, (all_anew, {"PREFECT_HOME": str(tmp_path)}))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("logging.yml", OWN_FILE),
        ("profiles.toml", 'active = "own"\n[profiles.own]\nPREFECT_LOGGING_LEVEL = "DEBUG"\n'),
    ],
    ids=["logging.yml", "profiles.toml"],
)
def test_a_file_sets_logging_up_as_in_a_process_that_imports_prefect(
    forked: Pool, tmp_path: Path, name: str, text: str
) -> None:
    before = forked.apply(logging_of, (all_anew, {"PREFECT_HOME": str(tmp_path)}))
    (tmp_path / name).write_text(text)
    here = {"PREFECT_HOME": str(tmp_path)}
    seen = forked.apply(logging_of, (prefect_anew.read_anew, here))
    assert seen == forked.apply(logging_of, (all_anew, here))
    assert seen != before


def certificates_read(env: dict[str, str]) -> tuple[int, set[ssl.VerifyMode]]:
    """Return how often two of Prefect's clients read certificates, and how they verify servers."""
    from prefect.client.orchestration import get_client

    # Prefect has the default of its setting from SSL_CERT_FILE when it is imported, so that is said anew.
    settle({name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")})
    os.environ["PREFECT_API_SSL_CERT_FILE"] = certifi.where()
    prefect_anew.trust()
    os.environ.update(env)
    read: list[Any] = []
    modes: set[ssl.VerifyMode] = set()
    load = ssl.SSLContext.load_verify_locations
    ssl.SSLContext.load_verify_locations = lambda *args, **named: (read.append(args), load(*args, **named))[1]
    prefect_anew.read_anew()
    for _ in range(2):
        client: Any = get_client(sync_client=True)
        modes.add(client._client._transport._pool._ssl_context.verify_mode)
    return len(read), modes


def test_certificates_are_not_read_for_a_server_without_tls(forked: Pool) -> None:
    assert forked.apply(certificates_read, ({"PREFECT_API_URL": "http://h/api"},)) == (0, {ssl.CERT_REQUIRED})


def test_each_client_of_a_server_with_tls_reads_them(forked: Pool) -> None:
    assert forked.apply(certificates_read, ({"PREFECT_API_URL": "https://h/api"},)) == (2, {ssl.CERT_REQUIRED})


def test_only_who_says_so_verifies_no_server(forked: Pool) -> None:
    loose = {"PREFECT_API_TLS_INSECURE_SKIP_VERIFY": "1"}
    for scheme in ("http", "https"):
        seen = forked.apply(certificates_read, ({"PREFECT_API_URL": f"{scheme}://h/api", **loose},))
        assert seen[1] == {ssl.CERT_NONE}
