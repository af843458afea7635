"""Makes a stack know the project: its blocks, and the deployments of `prefect.yaml`. Doing it again changes nothing."""

import base64
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from datastream.errors import Permanent
from datastream.settings import Settings
from deployments.stack.prefect_server import POOL
from deployments.warm.wiring import wire

if TYPE_CHECKING:
    from prefect.blocks.core import Block

_LAST_LINES = 8
_SECRET_BYTES = 32


class DeployFailed(Permanent):
    """`prefect deploy --all` did not work."""


def register_blocks(settings: Settings, demo_url: str) -> list[str]:
    """Save the block types, and the blocks that the local stack provides; return the blocks' names.

    They belong to the stack and follow its addresses; what posts are signed with is made once and kept. PREFECT_API_URL
    must be in the environment before Prefect is first imported.
    """
    from blocks import ApiSource, DataLake, EventBus, StreamBuffer, WebhookSource

    made: dict[str, Block] = {
        "data-lake/local": DataLake(**settings.lake.model_dump()),
        "api-source/flights": ApiSource(base_url=demo_url, private_networks=["127.0.0.1"]),
    }
    if settings.buffer:
        made["stream-buffer/local"] = StreamBuffer(**settings.buffer.model_dump())
    if settings.events:
        made["event-bus/local"] = EventBus(**settings.events.model_dump())
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


def deploy(project: Path, environment: Mapping[str, str]) -> None:
    """Deploy what stands in `prefect.yaml`, its runs to start warm. Raises DeployFailed with what Prefect said."""
    wire(POOL)
    prefect = Path(sys.executable).with_name("prefect")
    command = [prefect, "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, cwd=project, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
        raise DeployFailed(
            f"`prefect deploy --all` ended with exit code {done.returncode} in {project}:\n{said}\n"
            "Correct prefect.yaml, and run it again."
        )
