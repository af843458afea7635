"""The platform at one look: how each stream stands, who works, and what is left alone after failures."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from datastream.clock import Clock
from datastream.errors import DatastreamError
from deployments import POOL
from deployments.backlog import UNDER_WAY, Ask, runs_of
from deployments.standing import Standing, standings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datastream.resilience import BreakerState
    from datastream.settings import Settings

COLUMNS = ("stream", "comes by", "waiting", "age", "quality", "last commit", "commits", "unannounced")
_DAY = timedelta(days=1)
_NAMED = 3
KEY = "datastream-overview"
"""Under which the Prefect UI shows it."""


@dataclass(frozen=True, slots=True)
class Work:
    """Who works for a pool, and how many runs there are for them."""

    workers: int
    running: int
    waiting: int
    late: int
    failed: int = 0
    """That ended so within a day; those that have been run again since are among them."""
    names: tuple[str, ...] = ()
    """Of some of the runs that are under way."""

    def __str__(self) -> str:
        late = f", {self.late:,} of them late" if self.late else ""
        failed = f"; {_counted(self.failed, 'run')} failed or crashed within a day" if self.failed else ""
        more = ", ..." if len(self.names) < self.running else ""
        named = f" ({', '.join(self.names)}{more})" if self.names else ""
        under_way = f"{_counted(self.running, 'run')} under way{named}"
        return f"{_counted(self.workers, 'worker')}; {under_way}, {self.waiting:,} due{late}{failed}"


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A dependency whose breaker is not closed."""

    name: str
    until: datetime
    said: str

    def __str__(self) -> str:
        return f"{self.name} is left alone until {self.until:%H:%M:%S} UTC: {self.said}"


@dataclass(frozen=True, slots=True)
class Overview:
    """What there was to see at one moment; what could not be asked is None, and `problems` say why."""

    at: datetime
    streams: tuple[Standing, ...]
    left_alone: tuple[LeftAlone, ...] = ()
    work: Work | None = None
    problems: tuple[str, ...] = ()

    @property
    def rows(self) -> list[tuple[object, ...]]:
        """The streams as rows of a table with COLUMNS."""
        return [
            (s.stream, s.kind, s.waiting, _age(s.age), _quality(s), _short(s.last_commit), s.commits, s.unannounced)
            for s in self.streams
        ]

    @property
    def lines(self) -> list[str]:
        """What there is to say beside the table."""
        return [*([str(self.work)] if self.work else []), *map(str, self.left_alone)]

    @property
    def troubles(self) -> list[str]:
        """What could not be asked, and why."""
        return [*(f"{s.stream}: {s.problem}" for s in self.streams if s.problem), *self.problems]


def work_of(ask: Ask, pool: str, now: datetime) -> Work:
    """Count a pool's workers that are online, and its runs. Raises PrefectIncomplete, and what `ask` raises."""
    runs = runs_of(ask, pool, now)
    there = ask(f"/work_pools/{pool}/workers/filter", {"workers": {"status": {"any_": ["ONLINE"]}}, "limit": 200})
    of = {"work_pools": {"name": {"any_": [pool]}}}
    under_way = {"state": {"type": {"any_": UNDER_WAY}}}
    failed = {"state": {"type": {"any_": ["FAILED", "CRASHED"]}}, "end_time": {"after_": (now - _DAY).isoformat()}}
    named = ask("/flow_runs/filter", {**of, "flow_runs": under_way, "limit": _NAMED, "sort": "START_TIME_ASC"})
    return Work(
        workers=len(there),
        running=max(runs.under_way or 0, len(named)),  # one may have begun in between
        waiting=runs.waiting or 0,
        late=runs.late or 0,
        failed=int(ask("/flow_runs/count", {**of, "flow_runs": failed})),
        names=tuple(run["name"] for run in named),
    )


def look(settings: "Settings", clock: Clock, ask: Ask | None = None) -> Overview:
    """Look at everything once; without `ask` not at the Prefect server. What is away is told, and never raised."""
    from datastream.buffers.breakers import breaker_states

    now, streams, problems, work = clock.now(), tuple(standings(settings)), [], None
    with breaker_states(settings.buffer) as states:
        held = left_alone(states.all(), now)
    try:
        work = work_of(ask, POOL, now) if ask else None
    except DatastreamError as error:
        problems.append(str(error))
    return Overview(now, streams, held, work, tuple(problems))


def left_alone(states: "Mapping[str, BreakerState]", now: datetime) -> tuple[LeftAlone, ...]:
    """Return the dependencies that are left alone now, by name."""
    return tuple(
        LeftAlone(name, state.until, state.error)
        for name, state in sorted(states.items())
        if state.until is not None and state.stage(now) == "open"
    )


def markdown(seen: Overview) -> str:
    """Return the overview as an artifact of the Prefect UI."""
    head = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"
    rows = (f"| {' | '.join(_cell(value) for value in row)} |" for row in seen.rows)
    said = "\n".join(f"- {_cell(line)}" for line in (*seen.lines, *seen.troubles))
    return f"As of {seen.at:%Y-%m-%d %H:%M:%S} UTC.\n\n{said}\n\n{head}\n" + "\n".join(rows) + "\n"


def _cell(value: object) -> str:
    from datastream.quality.report import clean

    text = "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
    return clean(text).replace("|", "\\|").replace("<", "&lt;")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _short(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _age(age: timedelta | None) -> str:
    return "" if age is None else str(timedelta(seconds=int(age.total_seconds())))


def _quality(standing: Standing) -> str:
    """Say how many incidents are open."""
    if standing.incidents is None:
        return "" if standing.problem else "not checked"
    return "as expected" if standing.incidents == 0 else _counted(standing.incidents, "incident")
