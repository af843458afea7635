"""One look at a stream: what is new is added to what is known, and every check is asked once."""

from collections.abc import Iterator
from datetime import datetime

from datastream.buffers.lease import LeasePolicy
from datastream.catalog import Stream
from datastream.clock import Clock, SystemClock
from datastream.connections import BufferConfig
from datastream.health.columns import COLUMN_CHECKS, Columns
from datastream.health.fold import fold
from datastream.health.ledger import Told, open_ledger
from datastream.health.lookups import look_up
from datastream.health.news import News, news, returns
from datastream.health.sample import columns_of, sampled
from datastream.health.state import Memory, State
from datastream.lake.store import Store
from datastream.quality.check import Check
from datastream.quality.checks import Schedule, Version, compared, freshness, records, schedule, schema
from datastream.quality.figures import Figures
from datastream.quality.incidents import Change, Key
from datastream.quality.shares import duplicates, quarantined
from datastream.quality.volume import volume

_MOST_VERSIONS = 5


def check_stream(
    stream: Stream,
    store: Store,
    *,
    run: str,
    told: Told | None = None,
    buffer: BufferConfig | None = None,
    clock: Clock | None = None,
    planned: Schedule | None = None,
    lease_policy: LeasePolicy | None = None,
) -> tuple[list[Check], list[Change]]:
    """Ask all checks of a stream, commit what they said, and tell what changed. Raises LaneBusy and FileBroken.

    `planned` is when it is to be loaded, where somebody knows. Returned are the checks, and the incidents that were
    opened or closed by this run.
    """
    clock, found = clock or SystemClock(), list[Check]()
    changes: list[Change] = []
    with open_ledger(
        stream, store, run=run, told=told, buffer=buffer, clock=clock, lease_policy=lease_policy
    ) as ledger:

        def looked() -> bool:
            now, state = clock.now(), ledger.state()
            found[:], rules = look(stream, store, state, now, planned)
            changes[:] = state.changes
            return ledger.commit(state, now, [*found, *rules]) is not None

        ledger.until(looked)
    return found, changes


def look(
    stream: Stream, store: Store, state: State, now: datetime, planned: Schedule | None = None
) -> tuple[list[Check], list[Check]]:
    """Ask all checks, and return what they say and what the suite's rules said since the last look.

    The state becomes what is known from now on; nothing is written. Raises FileBroken.
    """
    memory, wanted = state.memory, stream.quality
    gauge = stream.load == "replace"
    if memory.figures.gauge != gauge:
        memory.figures = Figures(window=wanted.volume.window, gauge=gauge)
    memory.figures.use(wanted.volume.window)
    new = news(store, stream.name, state.upto, now, wanted.volume.window)
    fold(memory, new.commits, now)
    state.upto = new.upto
    memory.shown.add(seen.header for seen in new.commits)
    for header in returns(store, stream.name, state.upto):
        memory.shown.let_go(header)
    _add_columns(memory, store, stream.name, new)
    seen = Columns.of(stream, sampled(stream, store, new), memory, now)
    memory.plan(planned.told if planned else "", now)
    checks = [
        *_of_figures(stream, memory, now, planned),
        _of_columns(stream, state, now),
        *seen.in_short(state.incidents, looked_at=wanted.profile != []),
        *look_up(store, seen.rows, wanted.references, stream.mask),
    ]
    checks, state.changes = state.incidents.judge(checks, _gone(stream, state, seen), now)
    for check in checks:
        memory.note(check, now)
    memory.shown.say(checks)
    seen.teach(memory, wanted.volume.window)
    return checks, _rules(new)


def _of_figures(stream: Stream, memory: Memory, now: datetime, planned: Schedule | None) -> Iterator[Check]:
    wanted, figures, unhealthy = stream.quality, memory.figures, memory.unhealthy
    yield freshness(memory.loaded_at, memory.record, now, wanted.fresh_within)
    if wanted.record_within is not None:
        yield records(memory.record_at, now, wanted.record_within)
    if planned is not None:
        yield schedule(planned, memory.planned_since, now)
    yield volume(figures, now, wanted.volume, unhealthy, learned=wanted.learned)
    yield quarantined(figures, now, wanted.quarantined_at_most, unhealthy, learned=wanted.learned)
    yield duplicates(figures, now, wanted.duplicates_at_most, unhealthy)


def _of_columns(stream: Stream, state: State, now: datetime) -> Check:
    """Ask for the columns of before the window; while they are others, for those of before that began."""
    wanted, memory = stream.quality, state.memory
    begun = next((incident.since for incident in state.incidents.open if incident.check == "schema"), now)
    since = min(now - wanted.volume.window, begun)
    check = schema(memory.versions, memory.newest, since, fixed=wanted.schema_mode == "fixed")
    if check.value == 0:  # what lay between was undone, and nothing is compared with it later
        upto = memory.versions.index(compared(memory.versions, since))
        memory.versions = memory.versions[: upto + 1]
    return check


def _gone(stream: Stream, state: State, seen: Columns) -> list[Key]:
    """Return the incidents of what is not asked about any more."""
    wanted = stream.quality
    asked = {
        "freshness": wanted.fresh_within is not None,
        "records": wanted.record_within is not None,
        "volume": wanted.learned or wanted.volume.least is not None or wanted.volume.most is not None,
        "quarantined": wanted.learned or wanted.quarantined_at_most is not None,
        "duplicates": wanted.duplicates_at_most is not None,
        "schema": wanted.schema_mode == "fixed",
        **dict.fromkeys(COLUMN_CHECKS, wanted.learned),
    }
    referring = {reference.column for reference in wanted.references}
    return [
        incident.key
        for incident in state.incidents.open
        if not asked.get(incident.check, True)
        or (incident.check in COLUMN_CHECKS and not seen.has(incident.subject, wanted.profile))
        or (incident.check == "references" and incident.subject not in referring)
    ]


def _add_columns(memory: Memory, store: Store, stream: str, new: News) -> None:
    """Keep the columns of the newest commit, and as many versions before it as the window has; at first, one."""
    for commit in ([new.before] if new.before and not memory.versions else []) + new.recent[-1:]:
        columns = columns_of(store, stream, commit)
        if columns and (not memory.versions or memory.versions[-1].columns != columns):
            memory.versions.append(Version(commit.header.decided_at, str(commit), columns))
    memory.versions = memory.versions[-_MOST_VERSIONS:]


def _rules(new: News) -> list[Check]:
    return [
        Check(
            "suite", f"{rule.rows:,} rows since the last run", "", "met" if rule.success else "not met",
            subject=rule.rule, value=rule.rows, severity=rule.severity,
        )
        for rule in new.rules.values()
    ]  # fmt: skip
