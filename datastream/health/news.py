"""What was committed to a stream since it was looked at last: each commit is read once, and only sums of it are kept.

What is filled in says nothing of how fresh a stream is nor of how much is usual, and neither do rows that come back out
of quarantine: only the lanes count that are drained by schedule.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from heapq import merge
from itertools import chain

import msgspec

from datastream.lake import reader
from datastream.lake.layout import REPLAY
from datastream.lake.log import Log
from datastream.lake.manifest import Header, Manifest, RuleResult
from datastream.lake.store import Store

SAMPLE_ROWS, SAMPLE_FILES = 100_000, 200
_BACK = timedelta(days=90)
"""So far the first look at a stream goes back."""


class News(msgspec.Struct, kw_only=True):
    """What is new, oldest first."""

    upto: dict[str, int]
    commits: list["Seen"]
    recent: list[Manifest]
    """The newest of those that loaded rows, as many as make a sample; the newest one comes last."""
    before: Manifest | None = None
    """At the first look: the last commit that loaded rows before the window, else the oldest there is."""

    @property
    def rules(self) -> dict[str, RuleResult]:
        """What each rule of the suite said in all of them: whether it was always met, and how many rows broke it."""
        found: dict[str, RuleResult] = {}
        for each in (rule for commit in self.commits for rule in commit.rules):
            so_far = found.get(each.rule)
            if so_far is not None:
                each = msgspec.structs.replace(  # noqa: PLW2901 - it is the same rule
                    each, rows=each.rows + so_far.rows, success=each.success and so_far.success
                )
            found[each.rule] = each
        return found


class Seen(msgspec.Struct, frozen=True):
    """What is taken from one commit."""

    header: Header
    loaded: bool
    record: str | int | None

    @classmethod
    def of(cls, commit: Manifest) -> "Seen":
        """Leave out what is long: where the lane's source stands, and its files."""
        header = msgspec.structs.replace(commit.header, offsets={}, schema={}, columns={})
        cursors = [file.cursor[1] for file in commit.files if file.cursor]
        return cls(header, bool(commit.files), max(cursors, default=None))

    @property
    def rules(self) -> list[RuleResult]:
        """What its suite said."""
        return self.header.rules


def news(store: Store, stream: str, upto: Mapping[str, int], now: datetime, window: timedelta) -> News:
    """Return what was committed after `upto`; without any, of the last ninety days."""
    lanes = [lane for lane in reader.lanes(store, stream) if lane.isdecimal()]
    if not upto:
        return _first(store, stream, lanes, now, window)
    found = News(upto={**upto}, commits=[], recent=[])
    logs = (_after(Log(store, stream, lane), upto.get(lane, 0)) for lane in lanes)
    recent: deque[Manifest] = deque()
    for commit in merge(*logs, key=lambda commit: commit.header.decided_at):
        found.upto[commit.header.lane] = commit.header.seq
        found.commits.append(Seen.of(commit))
        if commit.files:
            recent.append(commit)
            while _is_enough(list(recent)[1:]):
                recent.popleft()
    found.recent = list(recent)
    for lane in lanes:  # the log of another past, as after a restore, is shorter than it was
        if lane in upto and found.upto[lane] == upto[lane]:
            found.upto[lane] = _still(Log(store, stream, lane), upto[lane])
    return found


def _first(store: Store, stream: str, lanes: list[str], now: datetime, window: timedelta) -> News:
    found, oldest = News(upto={}, commits=[], recent=[]), None
    for commit in reader.newest_first(store, stream, lanes):
        header = commit.header
        if header.decided_at < now - _BACK and found.recent:
            break
        found.upto.setdefault(header.lane, header.seq)
        found.commits.append(Seen.of(commit))
        if commit.files:
            oldest = commit if found.recent else None  # never the one that is compared with it
            if found.before is None and header.decided_at < now - window:
                found.before = oldest
            if not _is_enough(found.recent):
                found.recent.append(commit)
    found.before = found.before or oldest
    found.commits.reverse()
    found.recent.reverse()
    for lane in lanes:
        newest_ = None if lane in found.upto else Log(store, stream, lane).newest()
        if newest_ is not None:
            found.upto[lane] = newest_.header.seq
    return found


def returns(store: Store, stream: str, upto: dict[str, int]) -> Iterator[Header]:
    """Yield what the lane `replay` says that came after `upto`, and move that on. It counts for no check."""
    log, seq = Log(store, stream, REPLAY), upto.get(REPLAY, 0)
    for commit in _after(log, seq):
        upto[REPLAY] = commit.header.seq
        yield commit.header
    if seq and upto[REPLAY] == seq:
        upto[REPLAY] = _still(log, seq)


def _is_enough(commits: Iterable[Manifest]) -> bool:
    files = [file for commit in commits for file in commit.files]
    return len(files) >= SAMPLE_FILES or sum(file.rows for file in files) >= SAMPLE_ROWS


def _after(log: Log, seq: int) -> Iterator[Manifest]:
    """Yield what came after a commit; where that was folded away by maintenance meanwhile, what is there."""
    begun = False
    for commit in chain.from_iterable(log.after(seq)):
        begun = True
        yield commit
    if not begun and log.manifest(seq) is None:
        later = [number for number in log.sequences() if number > seq]
        if later:
            yield from log.between(later[0], later[-1])


def _still(log: Log, seq: int) -> int:
    if log.manifest(seq) is not None:
        return seq
    newest = log.newest()
    return min(seq, newest.header.seq) if newest else 0
