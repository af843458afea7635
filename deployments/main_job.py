"""What `make run` does: the whole way on real flights, from nothing to a summary, through Prefect.

Flights are read from an API, departures are posted to the gateway as a sender would; both runs go through their
deployments and the work pool like any other. What is shown is counted from the lake's log, and the exit code is 0 only
if every post was answered as it should be, the accounts balance, and every file agrees with them.
"""

import os
import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from datastream.errors import DatastreamError, Permanent

if TYPE_CHECKING:
    from datastream.settings import Settings
    from deployments.stack import Stack

STREAMS = ("flights", "departures")


class MainJobFailed(Permanent):
    """A run did not complete, a post was answered wrongly, or the accounts do not balance."""


def main() -> None:
    """Run the main job. Exits with 0 if everything is accounted for, else with 1 and a sentence."""
    try:
        run()
    except DatastreamError as error:
        click.echo(f"\ndatastream: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("\nStopped. Nothing is lost: `make run` goes on where this ended.", err=True)
        sys.exit(130)


def run() -> None:
    """Start the stack, run the deployments, show the summary; stop the stack if it was not running before."""
    from datastream.settings import Settings
    from deployments import stack

    project = Settings.read().project
    kept = any(part.running for part in stack.status(project))
    try:
        # Where nothing ran before, no scheduled run may take what this job is to show.
        found = stack.up(project, report=lambda progress: click.echo(str(progress)), scheduled=kept)
        os.environ.update(stack.environment(project, found))
        job(Settings.read(), found)
    finally:
        if not kept:
            stack.down(project)
    kept_or_not = "is still up" if kept else "is stopped; `.venv/bin/datastream up` brings it back"
    click.echo(f"Prefect UI: {found.prefect_url} (the stack {kept_or_not})")


def job(settings: "Settings", found: "Stack") -> None:
    """Register, deploy, post, run, and show what became of the records. Raises MainJobFailed."""
    from datastream.lake.lake import open_lake
    from deployments.registration import deploy, register_blocks
    from deployments.summary import print_events, print_summary, where_to_look
    from deployments.watch import run_deployment

    blocks = register_blocks(settings, found.demo_url)
    deploy(settings)
    click.echo(f"Blocks {', '.join(blocks)} registered, prefect.yaml deployed.")
    answers = post_departures(found.gateway_url)
    done = {name: run_deployment(f"etl-pipeline/{name}", f"{found.prefect_url}/runs/flow-run") for name in STREAMS}
    lake = open_lake(settings.lake)
    balanced = [print_summary(lake, name, done[name]) for name in STREAMS]
    print_events(lake, STREAMS, found.without_rabbitmq)
    where_to_look(lake, STREAMS[0])
    _judge(answers, unbalanced=[name for name, fine in zip(STREAMS, balanced, strict=True) if not fine])


def post_departures(gateway_url: str) -> Counter[str]:
    """Post the departures, some of them twice and some of them forged, and say how they were answered."""
    from blocks import WebhookSource
    from blocks.loading import load as load_block
    from deployments.demo.flights import load
    from deployments.demo.sender import Sender, departures

    [key, *_] = load_block(WebhookSource, "webhook-source/departures", "The main job needs").keys
    posts = departures(load())
    address = f"{gateway_url}/webhooks/departures"
    click.echo(f"\nPosting {len(posts):,} departures to {address}")
    with click.progressbar(length=len(posts), label="  posted") as bar:
        answers = Sender(address, key).send(posts, lambda _: bar.update(1))
    click.echo(
        f"  {answers['202 accepted']:,} new, answered 202; {answers['202 repeat']:,} repeats, answered 202 and kept "
        f"once; {answers['401']:,} forged, answered 401"
    )
    return answers


def _judge(answers: Counter[str], unbalanced: list[str]) -> None:
    from deployments.demo.sender import DISTINCT, FORGED, REPEATED

    taken = answers["202 accepted"] + answers["202 repeat"]
    if (taken, answers["401"]) != (DISTINCT + REPEATED, FORGED):
        raise MainJobFailed(
            f"The gateway answered {dict(answers)} to {DISTINCT + REPEATED:,} posts that are signed and {FORGED} that "
            "are forged. Look into .datastream/logs/gateway.log."
        )
    if unbalanced:
        raise MainJobFailed(
            f"The accounts of {' and '.join(unbalanced)} do not balance, or a file differs from the log: see above, "
            f"and `.venv/bin/datastream lake verify {unbalanced[0]}`."
        )


if __name__ == "__main__":
    main()
