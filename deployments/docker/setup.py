"""Makes a Prefect server know the project, wherever it runs: `python -m deployments.docker.setup`.

The work pool, the blocks of what the environment names, the deployments of `prefect.yaml`, and the automation by which
the keeper starts loads. Doing it again changes
nothing but what the environment says otherwise by then; a pool keeps its limits.
"""

import os
import sys

import click

from datastream.errors import DatastreamError
from datastream.settings import Settings
from deployments.registration import deploy, register_blocks
from deployments.stack.prefect_server import POOL


def main() -> None:
    """Do it. An error is a sentence on stderr and the exit code 1."""
    import httpx

    try:
        settings = Settings.read()
        _make_pool()
        click.echo(f"Blocks: {', '.join(register_blocks(settings, None))}")
        deploy(settings)
    except DatastreamError as error:
        sys.exit(f"datastream: {error}")
    except httpx.HTTPError as error:
        url, said = os.environ.get("PREFECT_API_URL"), str(error).partition("\n")[0]
        sys.exit(
            f"datastream: The Prefect server at {url} does not do it: {said}. Is it up, and are PREFECT_API_URL and "
            "PREFECT_API_AUTH_STRING right?"
        )
    click.echo("Deployed: prefect.yaml, and the automation batch-ready")


def _make_pool() -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        except ObjectAlreadyExists:
            return


if __name__ == "__main__":
    main()
