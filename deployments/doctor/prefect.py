"""What is asked of the Prefect server. Each answer is a sentence, and so is each error."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from datastream.catalog import Stream, WebhookSpec
from datastream.errors import Permanent, Transient
from deployments.stack.prefect_server import POOL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect.client.orchestration import SyncPrefectClient


class PrefectAway(Transient):
    """The Prefect server does not answer."""


class PrefectIncomplete(Permanent):
    """The Prefect server lacks something that the project needs."""


def server() -> str:
    """Ask which server it is."""
    import prefect

    with _client() as client:
        version = client.api_version()
        if not version.startswith(".".join(prefect.__version__.split(".")[:2])):
            raise PrefectIncomplete(
                f"The Prefect server at {client.api_url} is version {version}, and this is {prefect.__version__}. "
                "Run the same version on both sides."
            )
        return f"Prefect {version} at {client.api_url}."


def work_pool() -> str:
    """Ask for the pool and a worker that lives."""
    from prefect.exceptions import ObjectNotFound

    with _client() as client:
        try:
            pool = client.read_work_pool(POOL)
        except ObjectNotFound as error:
            raise PrefectIncomplete(
                f"There is no work pool {POOL!r}. `datastream up` makes it, and so does "
                f"`prefect work-pool create {POOL} --type process`."
            ) from error
        ready = pool.status is not None and pool.status.value == "READY"
    if not ready:
        raise PrefectIncomplete(
            f"No worker of the pool {POOL!r} has been heard from lately, so nothing that is scheduled runs. Start one "
            f"with `datastream up`, or `prefect worker start --pool {POOL}`."
        )
    return f"The pool {POOL!r} has a worker that lives."


def deployments(project: Path) -> str:
    """Compare prefect.yaml with what is deployed."""
    import yaml

    wanted = yaml.safe_load((project / "prefect.yaml").read_text())["deployments"]
    with _client() as client:
        there = {(found.entrypoint, found.name) for found in client.read_deployments()}
    missing = [f"{e['name']} ({e['entrypoint']})" for e in wanted if (e["entrypoint"], e["name"]) not in there]
    if missing:
        raise PrefectIncomplete(
            f"prefect.yaml has {', '.join(missing)}, which is not deployed. Run `prefect deploy --all`."
        )
    return f"All {len(wanted)} entries of prefect.yaml are deployed."


def block(stream: Stream) -> str:
    """Load the block that a stream names, and ask it how it is."""
    from blocks.api_source import api_of
    from blocks.webhook_source import webhook_of

    with _client():
        if isinstance(stream.source, WebhookSpec):
            secrets = webhook_of(stream).secrets
            return f"{len(secrets)} secret{'s' * (len(secrets) != 1)} to check signatures with."
        return f"The API at {api_of(stream).base_url}."


@contextmanager
def _client() -> "Iterator[SyncPrefectClient]":
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if url is None:
        raise PrefectAway("PREFECT_API_URL names no Prefect server. Start one with `datastream up`, or set it.")
    try:
        with get_client(sync_client=True, httpx_settings={"timeout": 5.0}) as client:
            yield client
    except httpx.HTTPError as error:
        raise PrefectAway(
            f"The Prefect server at {url} does not answer: {error or type(error).__name__}. Start one with "
            "`datastream up`, or correct PREFECT_API_URL."
        ) from error
