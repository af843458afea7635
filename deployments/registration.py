"""Makes a stack know the project: its blocks, and the deployments of `prefect.yaml`. Doing it again changes nothing."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from datastream.errors import Permanent

_LAST_LINES = 8


class DeployFailed(Permanent):
    """`prefect deploy --all` did not work."""


def register_blocks(lake_uri: str, demo_url: str) -> list[str]:
    """Save the block types, and the blocks that the local stack provides; return the blocks' names.

    `data-lake/local` and `api-source/flights` belong to the stack and follow its addresses. PREFECT_API_URL must be
    in the environment before Prefect is first imported.
    """
    from blocks import ApiSource, DataLake, WebhookSource

    WebhookSource.register_type_and_schema()
    DataLake(uri=lake_uri).save("local", overwrite=True)
    ApiSource(base_url=demo_url).save("flights", overwrite=True)
    return ["data-lake/local", "api-source/flights"]


def deploy(project: Path, environment: Mapping[str, str]) -> None:
    """Deploy what stands in `prefect.yaml`. Raises DeployFailed with what Prefect said."""
    prefect = Path(sys.executable).with_name("prefect")
    command = [prefect, "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, cwd=project, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
        raise DeployFailed(
            f"`prefect deploy --all` ended with exit code {done.returncode} in {project}:\n{said}\n"
            "Correct prefect.yaml, and run it again."
        )


def rest_schedules() -> None:
    """Let no schedule start a run until `prefect deploy` wakes it again; runs that are planned are forgotten."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        for deployment in client.read_deployments():
            for schedule in deployment.schedules:
                client.update_deployment_schedule(deployment.id, schedule.id, active=False)
