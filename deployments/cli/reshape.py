"""`datastream reshape`: changes key, partitions or number of lanes of a stream that has data."""

from datetime import timedelta

import click

from deployments.cli.project import settings_with_stack, stream_argument
from deployments.cli.show import as_json, print_json, print_table


@click.command()
@stream_argument
@as_json
@click.option("--yes", is_flag=True, help="Do not ask. With --json nothing is changed without it.")
def reshape(stream: str, json_: bool, yes: bool) -> None:
    """Change key, partition_by or shards of STREAM to what its file says.

    What waits is first committed by the old definition. Nothing on the lake is rewritten.
    """
    from datastream.buffers.breakers import breaker_states
    from datastream.clock import SystemClock
    from datastream.reshape import changes
    from datastream.reshape import reshape as change
    from tasks.opening import Opening

    settings = settings_with_stack()
    made: list[dict[str, object]] = []
    with (
        breaker_states(settings.buffer) as states,
        Opening.of(stream, settings, None, settings.buffer, None, states, run="reshape") as opening,
    ):
        found = {name: {"was": old, "is": new} for name, (old, new) in changes(opening.stream, opening.store).items()}
        if found and not json_:
            print_table(("", "was", "is"), [(name, str(each["was"]), str(each["is"])) for name, each in found.items()])
        if found and not yes and not json_:
            click.confirm("Commit what waits, and change over?", abort=True)
        if found and (yes or not json_):
            change(
                opening.stream, opening.store, lambda as_, name: opening.take_as(as_, name, timedelta(seconds=20)),
                opening.lanes(), SystemClock(),
                lambda commit: made.append({"commit": str(commit), "read": commit.header.accounts.read}),
            )  # fmt: skip
    if json_:
        print_json({"stream": stream, "differs": found, "commits": made})
    elif found:
        read = sum(int(str(commit["read"])) for commit in made)
        click.echo(f"{read:,} records that waited are committed by the old definition; from now on the file counts.")
    else:
        click.echo(f"{stream} is as its file says: nothing to do.")
