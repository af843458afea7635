"""Makes a stack know the project: its blocks, and the deployments of `prefect.yaml`. Doing it again changes nothing."""

import base64
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import SecretStr

from datastream.settings import Settings
from deployments import POOL
from deployments.prefect_api import prefect_client
from deployments.warm.wiring import wire

if TYPE_CHECKING:
    from prefect.blocks.core import Block
    from prefect.client.orchestration import SyncPrefectClient

    from deployments.deploying import Plan

_SECRET_BYTES = 32


def make_pool(client: "SyncPrefectClient") -> None:
    """Have the server hold our work pool; one that is there stays as it is."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    template = ProcessWorker.get_default_base_job_template()
    with suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=POOL, type=ProcessWorker.type, base_job_template=template))


def register_blocks(settings: Settings, demo_url: str | None) -> list[str]:
    """Save the block types, and the blocks that the stack provides; return the blocks' names.

    They belong to the stack and follow its addresses, that of the flights only where it serves them; what posts are
    signed with is made once and kept. PREFECT_API_URL must be in the environment before Prefect is first imported.
    Raises what `prefect_client` raises.
    """
    from blocks import ApiSource, DataLake, EventBus, StreamBuffer, WebhookSource

    made: dict[str, Block] = {
        "data-lake/local": DataLake(**settings.lake.model_dump()),
    }
    if demo_url:
        made["api-source/flights"] = ApiSource(base_url=demo_url, private_networks=["127.0.0.1"])
    if settings.buffer:
        made["stream-buffer/local"] = StreamBuffer(**settings.buffer.model_dump())
    if settings.events:
        made["event-bus/local"] = EventBus(**settings.events.model_dump())
    with prefect_client():
        if not _exists(WebhookSource, "departures"):
            made["webhook-source/departures"] = WebhookSource(secrets=[SecretStr(new_secret())])
        for name, block in made.items():
            block.save(name.partition("/")[2], overwrite=True)
    return sorted({*made, "webhook-source/departures"})


def _exists(kind: "type[Block]", name: str) -> bool:
    try:
        kind.load(name)
    except ValueError:
        return False
    return True


def new_secret() -> str:
    """Return a secret to sign with, made by chance."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def deploy(settings: Settings) -> "Plan":
    """Deploy what stands in `prefect.yaml`, all of it or nothing, its runs to start warm; return what was done.

    Raises NotDeployable, NotApplied and what `datastream deploy apply` raises besides.
    """
    from deployments.deploying import apply

    wire(POOL)
    with prefect_client() as client:
        return apply(client, settings)
