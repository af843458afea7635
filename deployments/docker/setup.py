"""Makes a Prefect server know the project, wherever it runs: `python -m deployments.docker.setup`.

The work pool, the blocks of what the environment names, the deployments of `prefect.yaml`, and the automations, by one
of which the keeper starts loads. Doing it again changes nothing but what the environment says otherwise by then; a pool
keeps its limits. What a stream's own block is may be said later, in the UI. Runs start as Prefect starts them: no pod
has a warm parent.
"""

import sys

import click

from datastream.errors import DatastreamError
from datastream.settings import Settings
from deployments.deploying import apply
from deployments.prefect_api import prefect_client
from deployments.registration import make_pool, register_blocks


def main() -> None:
    """Do it. An error is a sentence on stderr and the exit code 1."""
    try:
        settings = Settings.read()
        with prefect_client() as client:
            make_pool(client)
            click.echo(f"Blocks: {', '.join(register_blocks(settings, None))}")
            found = apply(client, settings, blocks_later=True)
    except DatastreamError as error:
        sys.exit(f"datastream: {error}")
    click.echo("Deployed: prefect.yaml, and the automations")
    for problem in found.awaited:
        click.echo(f"Still to do: {problem}")


if __name__ == "__main__":
    main()
