"""Compaction: the small files of a partition that is over become few large ones. Rows, ids and commits stay.

The large ones have the columns of the stream's agreed schema, as far as no value changes by that. What was
replaced stays on the lake until the sweep, for whoever is reading it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import pyarrow as pa

from datastream.catalog import Compact, Retention
from datastream.lake.dataset import schema_of
from datastream.lake.live import live
from datastream.lake.parquet import FileBroken
from datastream.lake.rewrite import Held, Rewrite, Swap, rewrites
from datastream.lake.store import Store
from datastream.lake.upkeep.attempt import Attempt
from datastream.lake.upkeep.due import due
from datastream.lake.upkeep.join import join

_TOGETHER = 16
"""A rewrite is made when it has written so many targets: more is not lost by a kill."""


def compact(store: Store, stream: str, policy: Compact, retention: Retention, now: datetime, run: str) -> list[Rewrite]:
    """Put together what is due, and return the rewrites that were made. Raises FileBroken.

    Another worker's rewrite that comes in between is met by starting again from what is there then.
    """
    made: list[Rewrite] = []
    tried: set[str] = set()
    while True:
        now_live = live(store, stream)
        groups = [group for group in due(now_live, policy, retention, now) if not tried.issuperset(_names(group))]
        if not groups:
            return made
        agreed = schema_of(store, stream)  # after the commits: it names what they hold
        attempt = Attempt(store, now_live, "compact", now, run)
        try:
            swaps = _swaps(store, groups, agreed, policy, attempt, tried)
        except FileBroken:
            attempt.abandon()
            if len(rewrites(store, stream)) < now_live.next_rewrite:  # else another worker took the file away
                raise
            tried.clear()
            continue
        moved = sum(held.file.rows for swap in swaps for held in swap.adds)
        rewrite = attempt.commit(swaps=tuple(swaps), moved=moved) if swaps else None
        if rewrite is not None:
            made.append(rewrite)
        elif swaps:
            tried.clear()


def _swaps(
    store: Store,
    groups: Sequence[Sequence[Held]],
    agreed: pa.Schema,
    policy: Compact,
    attempt: Attempt,
    tried: set[str],
) -> list[Swap]:
    swaps: list[Swap] = []
    written = 0
    for group in groups:
        tried.update(_names(group))
        for swap in join(store, group, agreed, policy, attempt):
            swaps.append(swap)
            tried.update(_names(swap.adds))
            written += sum(held.file.bytes for held in swap.adds)
        if written >= _TOGETHER * policy.target_bytes:
            break
    return swaps


def _names(files: Iterable[Held]) -> set[str]:
    return {held.key for held in files}
