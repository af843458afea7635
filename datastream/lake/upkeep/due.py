"""Which files of a stream are to be put together: small ones whose partition is over and gets no late record now."""

import re
from datetime import UTC, datetime, timedelta

from datastream.catalog import Compact, Retention
from datastream.lake import layout
from datastream.lake.live import Live
from datastream.lake.returned import replays
from datastream.lake.rewrite import Held

_FOLDER = re.compile(r"_(hour|day|month|year)=([0-9T-]+)$")
_GRAINS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}
_SHARES = 10
"""Files are put together with those of the same tenth of their retention, so that they leave at most that much late."""


def due(live: Live, policy: Compact, retention: Retention, now: datetime) -> list[list[Held]]:
    """Return the files to put together, each group in the order of its commits.

    Those that hold rows which were in quarantine before stay apart: they expire with the files that set these aside.
    """
    groups: dict[tuple[str, int], list[Held]] = {}
    for held in live.data:
        partition = layout.partition_of(held.key)
        if not replays([held]) and _is_small(held, policy) and _is_over(partition, held, policy.after, now):
            groups.setdefault((partition, _share(held, retention.data)), []).append(held)
    return [group for group in groups.values() if len(group) > 1]


def _is_small(held: Held, policy: Compact) -> bool:
    few = policy.target_rows is None or held.file.rows < policy.target_rows
    return few and held.file.bytes < policy.target_bytes


def _is_over(partition: str, held: Held, after: timedelta, now: datetime) -> bool:
    """Tell whether a partition has ended, and its late window too; rows without a time go by that of their commit."""
    return (_end(partition) or held.decided[1]) + after <= now


def _end(partition: str) -> datetime | None:
    found = _FOLDER.search(partition)
    if found is None:
        return None
    grain, value = found[1], found[2]
    try:
        begun = datetime.strptime(value, _GRAINS[grain]).replace(tzinfo=UTC)
        if grain == "year":
            return begun.replace(year=begun.year + 1)
        if grain == "month":
            return (begun + timedelta(days=32)).replace(day=1)
        return begun + (timedelta(days=1) if grain == "day" else timedelta(hours=1))
    except (ValueError, OverflowError):  # beyond the year 9999
        return None


def _share(held: Held, kept: timedelta | None) -> int:
    return 0 if kept is None else int(held.decided[1].timestamp() // (kept.total_seconds() / _SHARES))
