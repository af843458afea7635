"""`datastream quarantine`: what was set aside and why, and the way back."""

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from deployments.cli.project import committed, optional_stream, settings, settings_with_stack, store, stream_argument
from deployments.cli.show import as_json, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datastream.lake.store import Store
    from datastream.lane import Lane
    from datastream.masking import Mask
    from datastream.quarantine import Replayed

_RUN = "command line"


@click.group()
def quarantine() -> None:
    """Look at the rows that were set aside, and send them through today's rules again."""


@quarantine.command(name="list")
@optional_stream
@click.option("--held", is_flag=True, help="List the claims that are held, and what was decided of them.")
@as_json
def list_(stream: str | None, held: bool, json_: bool) -> None:
    """Count the rows by stream and rule. A row that broke two rules counts for both."""
    from datastream.lake import reader
    from datastream.lake.layout import QUALITY

    lake = store()
    names = [committed(lake, stream)] if stream else [name for name in reader.streams(lake) if name != QUALITY]
    if held:
        _list_held(lake, names, json_=json_)
        return
    found = [{"stream": name, "rule": rule, "rows": rows} for name in names for rule, rows in _by_rule(lake, name)]
    if json_:
        print_json(found)
    else:
        print_table(("stream", "rule", "rows"), [tuple(row.values()) for row in found])


@quarantine.command()
@stream_argument
@click.option("--rule", help="Only rows that broke this rule, as `quarantine list` calls it.")
@click.option("--commit", help="Only rows that this commit set aside.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="At most so many rows.")
@click.option("--unmasked", is_flag=True, help="Show personal data (`pii` in the stream's file) too.")
@as_json
def show(stream: str, rule: str | None, commit: str | None, limit: int, unmasked: bool, json_: bool) -> None:
    """Show rows as they were received, each with every rule it broke and what was seen of it."""
    from datastream.lake.reader import quarantined

    lake = store()
    rows = quarantined(lake, committed(lake, stream), rule, limit, commit)
    if not unmasked:
        rows = list(map(_mask_of(lake, stream).row, rows))
    if json_:
        print_json(rows)
    else:
        shown = [
            (row["_commit"], ", ".join(row["_rules"]), ", ".join(filter(None, row.get("_observed") or [])), row["_raw"])
            for row in rows
        ]
        print_table(("commit", "rules", "observed", "row as received"), shown)


@quarantine.command()
@stream_argument
@click.option("--where", metavar="SQL", help="Which rows, by the columns of STREAM_quarantine. Without it, all.")
@click.option("--set", "pairs", multiple=True, metavar="FIELD=SQL", help="Mend a field of the record as it came.")
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@as_json
def replay(stream: str, where: str | None, pairs: tuple[str, ...], dry_run: bool, json_: bool) -> None:
    """Send rows through today's rules again, and load those that are good by now, once.

    What still breaks a rule stays where it is. Example:

    datastream quarantine replay flights --where "dest is null" --set "dest='JFK'"
    """
    from datastream.quarantine import Wanted
    from datastream.quarantine import replay as send

    wanted = Wanted(where=where, mended=dict(map(_pair, pairs)))
    with _replaying(stream) as lane:
        done = send(lane, wanted, dry=dry_run)
    _tell(done, json_=json_)


@quarantine.command()
@click.argument("commit")
@as_json
def release(commit: str, json_: bool) -> None:
    """Load a held claim, once: COMMIT is its name, as in `quarantine list --held`."""
    from datastream.quarantine import release as let_go

    stream, name = _held(commit)
    with _replaying(stream) as lane:
        done = let_go(lane, name)
    _tell(done, json_=json_)


@quarantine.command()
@click.argument("commit")
@as_json
def reject(commit: str, json_: bool) -> None:
    """Keep a held claim in quarantine for good: COMMIT is its name, as in `quarantine list --held`."""
    from datastream.quarantine import reject as keep

    stream, name = _held(commit)
    with _replaying(stream) as lane:
        claim = keep(lane, name)
    if json_:
        print_json({"stream": stream, "commit": claim.commit, "state": claim.state, "rows": claim.rows})
    else:
        click.echo(f"Commit {claim.commit} of {stream!r} is rejected: its {claim.rows:,} rows stay in quarantine.")


@contextmanager
def _replaying(stream: str) -> "Iterator[Lane]":
    """Open the lane by which rows leave a stream's quarantine."""
    from datastream.buffers.breakers import breaker_states
    from tasks.opening import Opening
    from tasks.quarantine import PATIENCE

    found = settings_with_stack()
    committed(store(), stream)
    with (
        breaker_states(found.buffer) as states,
        Opening.of(stream, found, None, found.buffer, found.events, states, run=_RUN) as opening,
        opening.replaying(PATIENCE) as lane,
    ):
        yield lane


def _tell(done: "Replayed", *, json_: bool) -> None:
    if json_:
        print_json({
            "stream": done.stream, "taken": done.taken, "loaded": done.loaded, "stay": done.stays, "left": done.left,
            "commits": done.commits, "dry_run": done.dry,
        })  # fmt: skip
        return
    if done.left:
        print_table(("stay, because they break", "rows"), list(done.left.items()))
    for rule in done.warned:
        click.echo(f"Not met by these rows as a whole, which keeps none back: {rule}.")
    click.echo(str(done))


def _pair(text: str) -> tuple[str, str]:
    field, equals, expression = text.partition("=")
    if not (field.strip() and equals and expression.strip()):
        raise click.BadParameter(f"{text!r} sets nothing. Write FIELD=SQL, for example amount=0.", param_hint="--set")
    return field.strip(), expression


def _held(name: str) -> tuple[str, str]:
    """Return stream and commit of a held claim by its name, `flights/0-000000000012`, or without the stream."""
    from datastream.lake import reader
    from datastream.lake.live import live
    from datastream.lake.returned import held_claims
    from datastream.quarantine import NotHeld

    lake = store()
    stream, slash, commit = name.rpartition("/")
    if slash:
        return committed(lake, stream), commit
    found = {each: held_claims(live(lake, each)) for each in reader.streams(lake)}
    there = [each for each, claims in found.items() if any(claim.commit == name for claim in claims)]
    if len(there) == 1:
        return there[0], name
    waiting = [f"{each}/{claim.commit}" for each, claims in found.items() for claim in claims if claim.state == "held"]
    why = f"is held in {' and '.join(there)}: name one of them" if there else "is not held"
    raise NotHeld(f"Commit {name!r} {why}. Held are: {', '.join(waiting) or 'none'}.")


def _list_held(lake: "Store", names: list[str], *, json_: bool) -> None:
    from datastream.lake.live import live
    from datastream.lake.returned import held_claims

    found = [(name, claim) for name in names for claim in held_claims(live(lake, name))]
    if json_:
        print_json([
            {"stream": name, "commit": f"{name}/{claim.commit}", "state": claim.state, "rows": claim.rows,
             "rules": claim.rules, "at": claim.at}
            for name, claim in found
        ])  # fmt: skip
    else:
        rows = [
            (f"{name}/{claim.commit}", claim.state, claim.rows, ", ".join(claim.rules), f"{claim.at:%Y-%m-%d %H:%M:%S}")
            for name, claim in found
        ]
        print_table(("commit", "state", "rows", "because of", "since (UTC)"), rows)


def _mask_of(lake: "Store", stream: str) -> "Mask":
    """Return what hides a stream's personal data, by its file and by its newest commits: the file may be gone."""
    from datastream.catalog import Catalog, StreamMissing
    from datastream.lake import reader
    from datastream.lake.log import Log
    from datastream.masking import Mask

    newest = (Log(lake, stream, lane).newest() for lane in reader.lanes(lake, stream))
    names = {name for commit in newest if commit for name in commit.header.pii}
    with suppress(StreamMissing):
        names |= set(Catalog(settings().streams).stream(stream).pii)
    return Mask.of(names)


def _by_rule(lake: "Store", stream: str) -> list[tuple[str, int]]:
    from collections import Counter

    from datastream.lake import reader

    return Counter(reader.set_aside(lake, stream)).most_common()
