"""The Prefect server that the settings name, as commands ask it. What goes wrong there is a sentence."""

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from datastream.errors import Permanent, Transient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect.client.orchestration import SyncPrefectClient

_LOCKED = {401, 403}


class PrefectAway(Transient):
    """The Prefect server does not answer."""


class PrefectLocked(Permanent):
    """The Prefect server does not let us in."""


class PrefectIncomplete(Permanent):
    """The Prefect server lacks something that the project needs."""


@contextmanager
def asking(*, tries_again: bool = True) -> "Iterator[SyncPrefectClient]":
    """Ask the server for as long as the block lasts. Raises PrefectAway, PrefectLocked and PrefectIncomplete.

    Who does not try again is answered within seconds.
    """
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    url = PREFECT_API_URL.value()
    if url is None:
        raise PrefectAway("PREFECT_API_URL names no Prefect server. Start one with `datastream up`, or set it.")
    try:
        with ExitStack() as held:
            if not tries_again:
                held.enter_context(temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}))
            yield held.enter_context(get_client(sync_client=True, httpx_settings={"timeout": 5.0}))
    except ValueError as error:
        raise PrefectIncomplete(
            f"What answers at {url} is no Prefect server, or a very different one: {type(error).__name__}. Correct "
            "PREFECT_API_URL."
        ) from error
    except httpx.HTTPError as error:
        if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in _LOCKED:
            raise PrefectLocked(
                f"The Prefect server at {url} does not let us in (HTTP {error.response.status_code}). Set "
                "PREFECT_API_AUTH_STRING as it is set for the server."
            ) from error
        said = str(error).partition("\n")[0] or type(error).__name__
        raise PrefectAway(
            f"The Prefect server at {url} does not answer: {said}. Start one with `datastream up`, or correct "
            "PREFECT_API_URL."
        ) from error


def version() -> str:
    """Ask which version it is. Raises PrefectIncomplete if it is not ours."""
    import prefect

    with asking() as client:
        found = str(client.api_version())
        if found.split(".")[:2] != prefect.__version__.split(".")[:2]:
            raise PrefectIncomplete(
                f"The Prefect server at {client.api_url} is version {found}, and this is {prefect.__version__}. "
                "Run the same version on both sides."
            )
        return f"Prefect {found} at {client.api_url}."
