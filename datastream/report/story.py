"""What the page tells of one stream, in words and charts, as templates print it. It is made of what is known of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple
from urllib.parse import quote, urlsplit
from uuid import UUID

import msgspec

from datastream.catalog import Stream
from datastream.health import shown
from datastream.health.state import Point, State
from datastream.masking import MASKED, Mask
from datastream.quality.check import Result
from datastream.quality.check import shown as duration
from datastream.quality.incidents import Incident, Mute
from datastream.records import EXTRA, OBSERVED, RAW
from datastream.report import charts, words
from datastream.report.samples import Samples

_DAY = timedelta(days=1)
_LATELY, _MINI = 10, 24
_WORDS = {"not met": "not as expected", "muted": "muted", "met": "as expected", "not judged": "not judged yet"}
_MARKS = {"not met": "bad", "muted": "mute", "met": "good", "not judged": "none"}


class Seen(NamedTuple):
    """A stream, as what is to be told of it was found."""

    name: str
    stream: Stream | None
    """As its file describes it; None where there is none any more."""
    state: State
    at: datetime
    """When its checks were asked."""
    run: str
    samples: Samples
    runs_at: str | None = None
    """What the address of a run begins with."""


class Line(NamedTuple):
    """One check."""

    name: str
    result: Result
    mark: str
    told: str
    strip: str
    line: str
    numbers: str
    """The least and the greatest of what it drew."""
    span: tuple[str, str]
    incident: str


class Run(NamedTuple):
    """Who did something, and where that is shown; an address is one of http or https, or empty."""

    name: str
    address: str


class Story(msgspec.Struct, frozen=True):
    """All that is told."""

    name: str
    result: Result
    word: str
    mark: str
    checked_at: str
    run: Run
    suite: str
    window: str
    rows: str
    freshness: str
    loaded_at: str
    quarantined: str
    lately: str
    checks: list[Line]
    volume: str
    volume_span: tuple[str, str]
    volume_most: str
    open: list[Incident]
    closed: list[Incident]
    mutes: list[Mute]
    rules: list[tuple[str, str, str, str, str]]
    """Each with its severity, its days as a chart, its rows, and the day it was broken last."""
    held: list[shown.Claim]
    decided: list[shown.Claim]
    replays: list[tuple[shown.Replay, str, Run]]
    samples: Samples
    commits: list[tuple[shown.Made, Run]]


def story(seen: Seen) -> Story:
    """Return what is to be told of a stream."""
    memory, incidents, known = seen.state.memory, seen.state.incidents, seen.state.memory.shown
    lines, last = list(_lines(seen)), memory.figures.last(seen.at)
    results: list[Result] = [line.result for line in lines] or ["not judged"]
    result = min(results, key=words.WORST_FIRST.index)
    days, waiting = _days(seen), _waiting(seen)
    run, fresh = partial(_run, seen.runs_at), memory.loaded_at
    most = max((loaded + aside for _, loaded, aside in days), default=0)
    return Story(
        name=seen.name, result=result, word=_WORDS[result], mark=_MARKS[result], checked_at=words.when(seen.at),
        run=run(seen.run), suite=seen.stream.suite if seen.stream else "", window=_window(seen),
        rows=f"{last.volume or 0:,}", freshness=words.ago(fresh, seen.at) if fresh else "never",
        loaded_at=words.when(fresh), quarantined=words.share(last.quarantined, last.checked),
        lately=_lately(seen), checks=lines,
        volume=charts.bars(f"Rows of {seen.name} a day, the last {shown.DAYS} days", days),
        volume_span=(days[0][0], days[-1][0]), volume_most=f"{most:,}",
        open=incidents.open[::-1], closed=incidents.closed[: -_LATELY - 1 : -1],
        mutes=[mute for mute in incidents.mutes if mute.until > seen.at],
        rules=list(_rules(seen)), held=waiting, samples=seen.samples,
        decided=[claim for claim in known.held if claim.state != "held"][: -_LATELY - 1 : -1],
        replays=[(made, _asked(made.asked, seen.stream), run(made.run)) for made in reversed(known.replays)],
        commits=[(made, run(made.run)) for made in reversed(known.commits)],
    )  # fmt: skip


def _lines(seen: Seen) -> Iterator[Line]:
    points = seen.state.memory.points
    for said in seen.state.memory.shown.said:
        there = points.get(said.check, [])
        of, told = f"{said.check} of {seen.name}", partial(words.observed, said.check)
        strip = charts.strip(f"{of}: {_counted(there)}", there, told) if there else ""
        numbers = charts.line(f"What {of} saw", there) if charts.has_line(there) else ""
        values = [point.value for point in there if point.value is not None]
        ends = f"{told(min(values))} to {told(max(values))}" if values else ""
        span = (words.when(there[0].at), words.when(there[-1].at)) if there else ("", "")
        mark = _MARKS.get(said.result, "none")
        yield Line(words.text(said.check), said.result, mark, said.told, strip, numbers, ends, span, said.incident)


def _counted(points: Sequence[Point]) -> str:
    """Return how often each result was."""
    counts = Counter(point.result for point in points)
    return ", ".join(f"{counts[result]} {result}" for result in words.WORST_FIRST if counts[result])


def _lately(seen: Seen) -> str:
    """Return a cell a look of the stream as a whole."""
    worst: dict[datetime, Point] = {}
    for points in seen.state.memory.points.values():
        for point in points[-_MINI:]:
            before = worst.get(point.at)
            if before is None or words.WORST_FIRST.index(point.result) < words.WORST_FIRST.index(before.result):
                worst[point.at] = Point(point.at, None, None, None, point.result)
    looks = [worst[at] for at in sorted(worst)][-_MINI:]
    return charts.strip(f"{seen.name} lately: {_counted(looks)}", looks, str, _MINI) if looks else ""


def _days(seen: Seen) -> list[tuple[str, int, int]]:
    spans = seen.state.memory.figures.days.spans
    found = []
    for day, name in _calendar(seen.at):
        sums = spans.get(day)
        found.append((name, (sums.volume or 0) if sums else 0, sums.quarantined if sums else 0))
    return found


def _calendar(now: datetime) -> list[tuple[int, str]]:
    """Return the days that charts show, oldest first: number since 1970, and name."""
    today = now.astimezone(UTC)
    newest = int(today.timestamp() // _DAY.total_seconds())
    return [(newest - back, f"{today - back * _DAY:%Y-%m-%d}") for back in range(shown.DAYS - 1, -1, -1)]


def _rules(seen: Seen) -> Iterator[tuple[str, str, str, str, str]]:
    days = _calendar(seen.at)
    for label, rule in seen.state.memory.shown.rules.items():
        by_rows = any(rule.rows.values())
        counts = [(name, (rule.rows if by_rows else rule.claims).get(day, 0)) for day, name in days]
        total = sum(count for _, count in counts)
        if total:
            unit = "" if by_rows else " claims as a whole"
            chart = charts.columns(f"{'Rows' if by_rows else 'Claims'} a day that broke {label}", counts)
            last = next(name for name, count in reversed(counts) if count)
            yield words.text(label, 160), rule.severity or "before the check", chart, f"{total:,}{unit}", last


def _waiting(seen: Seen) -> list[shown.Claim]:
    """Return the held claims of which nothing is decided, without those that have expired."""
    kept = seen.stream.retention.quarantine if seen.stream else None
    return [
        claim
        for claim in reversed(seen.state.memory.shown.held)
        if claim.state == "held" and (kept is None or seen.at - claim.at <= kept)
    ]


def _asked(text: str, stream: Stream | None) -> str:
    """Return what a replay asked for, unless it may name a value of somebody."""
    mask = stream.mask if stream else Mask()
    personal = stream is None or mask.concerns(text) or (mask and any(own in text for own in (RAW, EXTRA, OBSERVED)))
    return MASKED if text and personal else words.text(text, 200) or "all rows"


def _window(seen: Seen) -> str:
    return duration(seen.state.memory.figures.window)


def _run(runs_at: str | None, run: str) -> Run:
    """Return a run, with its address where it is one of Prefect's."""
    try:
        known = str(UUID(run))
    except ValueError:
        return Run(words.text(run, 40), "")
    linked = runs_at is not None and urlsplit(runs_at).scheme in ("http", "https")
    return Run(known[:8], f"{runs_at}{quote(known)}" if linked else "")
