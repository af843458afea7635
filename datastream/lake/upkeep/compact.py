"""Compaction: the small files of a partition that is over become few large ones. Rows, ids and commits stay.

What was replaced stays on the lake until the sweep, for whoever is reading it.
"""

from collections.abc import Sequence
from datetime import datetime

from datastream.catalog import Compact, Retention
from datastream.lake.live import live
from datastream.lake.parquet import FileBroken
from datastream.lake.rewrite import Held, Rewrite, Swap, rewrites
from datastream.lake.store import Store
from datastream.lake.upkeep.attempt import Attempt
from datastream.lake.upkeep.due import due
from datastream.lake.upkeep.join import alike, join

_TOGETHER = 16
"""A rewrite is made when it has replaced files of so many targets: more is not lost by a kill."""


def compact(store: Store, stream: str, policy: Compact, retention: Retention, now: datetime, run: str) -> list[Rewrite]:
    """Put together what is due, and return the rewrites that were made. Raises FileBroken.

    Another worker's rewrite that comes in between is met by starting again from what is there then.
    """
    made: list[Rewrite] = []
    tried: set[tuple[str, ...]] = set()
    while True:
        now_live = live(store, stream)
        groups = [group for group in due(now_live, policy, retention, now) if _names(group) not in tried]
        if not groups:
            return made
        attempt = Attempt(store, now_live, "compact", now, run)
        try:
            swaps, moved = _swaps(store, groups, policy, attempt, tried)
        except FileBroken:
            if len(rewrites(store, stream)) < now_live.next_rewrite:  # else another worker took the file away
                raise
            tried.clear()
            continue
        rewrite = attempt.commit(swaps=tuple(swaps), moved=moved) if swaps else None
        if rewrite is not None:
            made.append(rewrite)
        elif swaps:
            tried.clear()


def _swaps(
    store: Store, groups: Sequence[Sequence[Held]], policy: Compact, attempt: Attempt, tried: set[tuple[str, ...]]
) -> tuple[list[Swap], int]:
    swaps: list[Swap] = []
    moved = replaced_bytes = 0
    for group in groups:
        tried.add(_names(group))
        for run, columns in alike(store, group):
            if len(run) < 2:  # noqa: PLR2004 - one file is together already
                continue
            adds = join(store, run, columns, policy, attempt.write)
            swaps.append(Swap(removes=_names(run), adds=tuple(adds)))
            moved += sum(held.file.rows for held in run)
            replaced_bytes += sum(held.file.bytes for held in run)
        if replaced_bytes >= _TOGETHER * policy.target_bytes:
            break
    return swaps, moved


def _names(group: Sequence[Held]) -> tuple[str, ...]:
    return tuple(held.key for held in group)
