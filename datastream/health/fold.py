"""Adds what is new to what is known of a stream, commit by commit."""

from collections.abc import Iterable
from datetime import datetime

from datastream.health.news import Seen
from datastream.health.state import Memory
from datastream.lake import layout
from datastream.lake.manifest import Header
from datastream.quality.buckets import Sums


def fold(memory: Memory, commits: Iterable[Seen], now: datetime) -> None:
    """Add commits to what is known, oldest first.

    What says that it is of later than now counts as of now: by one such clock or record all would look fresh till then.
    """
    for seen in commits:
        header, accounts = seen.header, seen.header.accounts
        volume = _snapshot(memory, header) if memory.figures.gauge else accounts.loaded if accounts.read else 0
        at = min(header.decided_at, now)
        memory.figures.add(at, Sums(volume, accounts.read, accounts.quarantined, accounts.duplicates))
        if seen.loaded and (memory.loaded_at is None or at >= memory.loaded_at):
            memory.loaded_at, memory.newest = at, layout.commit_name(header.lane, header.seq)
        if type(seen.record) is not type(memory.record):
            memory.record = memory.record if seen.record is None else seen.record
        elif seen.record is not None:
            memory.record = max(memory.record, seen.record)  # type: ignore[type-var]
        times = [memory.record_at, header.watermark, _time(header, seen.record)]
        memory.record_at = max((min(time, now) for time in times if time is not None), default=None)


def _snapshot(memory: Memory, header: Header) -> int | None:
    """Return how many rows the snapshot has that became whole with this commit; None if none did."""
    snapshot, loaded = header.snapshot, header.accounts.loaded
    if snapshot is None:
        return None
    if snapshot.begun is not None:
        memory.pass_rows = loaded if snapshot.begun == header.seq else (memory.pass_rows or 0) + loaded
        return None
    whole = loaded if snapshot.first == header.seq else (memory.pass_rows or 0) + loaded
    memory.pass_rows = None
    return whole


def _time(header: Header, record: str | int | None) -> datetime | None:
    if not isinstance(record, str) or header.identity.get("cursor_kind") != "datetime":
        return None
    return datetime.fromisoformat(record)
