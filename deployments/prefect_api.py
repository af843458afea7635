"""The Prefect server that PREFECT_API_URL names, through Prefect's own client. What goes wrong is a sentence."""

import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from datastream.errors import Permanent, Transient

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from prefect.client.orchestration import SyncPrefectClient

_SECONDS = 10.0
LOCKED = (401, 403)


class PrefectAway(Transient):
    """The Prefect server does not answer."""


class PrefectLocked(Permanent):
    """The Prefect server wants to be told who asks."""


class NotPrefect(Permanent):
    """What answers is no Prefect server."""


class PrefectRefused(Permanent):
    """The Prefect server answered, and would not do what it was asked for."""


class PrefectIncomplete(Permanent):
    """The Prefect server lacks something that the project needs."""


@contextmanager
def prefect_client(*, tries_again: bool = True) -> "Iterator[SyncPrefectClient]":
    """Yield a client of the server. Raises PrefectAway, PrefectLocked, NotPrefect and PrefectRefused, in the block too.

    Who does not try again is answered within seconds.
    """
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    url = PREFECT_API_URL.value()
    if not url:
        raise PrefectAway("PREFECT_API_URL names no Prefect server. Start one with `datastream up`, or set it.")
    try:
        with ExitStack() as held:
            if not tries_again:
                held.enter_context(temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}))
            yield held.enter_context(get_client(sync_client=True, httpx_settings={"timeout": _SECONDS}))
    except json.JSONDecodeError as error:
        raise not_prefect(url, "what it says is no JSON") from error
    except httpx.HTTPStatusError as error:
        raise refused(error) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PrefectAway(
            f"The Prefect server at {url} does not answer: {error or type(error).__name__}. Start one with "
            "`datastream up`, or correct PREFECT_API_URL."
        ) from error


def version_of(client: "SyncPrefectClient") -> str:
    """Return the server's version. Raises NotPrefect, and what the client raises."""
    import httpx

    try:
        version = client.api_version()
    except httpx.HTTPStatusError as error:
        if error.response.status_code in LOCKED:
            raise
        raise not_prefect(
            client.api_url, f"to a question for its version it answered {error.response.status_code}"
        ) from error
    except ValueError as error:
        raise not_prefect(client.api_url, "it does not tell its version") from error
    if not isinstance(version, str):
        raise not_prefect(client.api_url, "it does not tell its version")
    return version


def our_version() -> str:
    """Ask for the server's version. Raises PrefectIncomplete if it is not ours, and what `prefect_client` raises."""
    with prefect_client() as client:
        found = version_of(client)
        same_version(client.api_url, found)
        return f"Prefect {found} at {client.api_url}."


def same_version(url: object, found: str) -> None:
    """Compare a server's version with ours. Raises PrefectIncomplete."""
    from importlib.metadata import version

    ours = version("prefect")
    if found.split(".")[:2] != ours.split(".")[:2]:
        raise PrefectIncomplete(
            f"The Prefect server at {url} is version {found}, and this is {ours}. Run the same version on both sides."
        )


def all_of(client: "SyncPrefectClient", path: Any, **wanted: Any) -> list[dict[str, Any]]:
    """Return everything that the server has of a kind, as it says it, page after page."""
    found: list[dict[str, Any]] = []
    while page := client.request("POST", path, json={**wanted, "offset": len(found)}).json():
        found += page
    return found


def refused(error: "httpx.HTTPStatusError") -> Permanent:
    """Return what an answer means that is no success."""
    asked, status = error.request, error.response.status_code
    server = f"{asked.url.scheme}://{asked.url.netloc.decode()}"
    if status in LOCKED:
        return locked(server, status)
    return PrefectRefused(
        f"The Prefect server at {server} answered {status} to {asked.method} {asked.url.path}: {_said(error.response)}"
    )


def locked(server: str, status: int) -> PrefectLocked:
    """Return the error that says so."""
    return PrefectLocked(
        f"The Prefect server at {server} wants to know who asks, and answered {status}. Set PREFECT_API_AUTH_STRING to "
        "what its own PREFECT_SERVER_API_AUTH_STRING says."
    )


def _said(response: "httpx.Response") -> str:
    try:
        said = response.json()
    except ValueError:
        return f"{response.text[:200]!r}."
    if not isinstance(said, dict):
        return f"{said}"
    wrong = said.get("exception_detail")  # of a field that the server does not take; what it was given is not repeated
    if isinstance(wrong, list) and all(isinstance(each, dict) and "msg" in each for each in wrong):
        return ". ".join(f"{'.'.join(map(str, each.get('loc', ())))}: {each['msg']}" for each in wrong)
    return f"{said.get('detail') or said.get('exception_message') or said}"


def not_prefect(url: object, why: str) -> NotPrefect:
    """Return the error that says so."""
    return NotPrefect(f"What answers at {url} is no Prefect server: {why}. Correct PREFECT_API_URL.")
