"""The sweep: deletes what does not count any more. It decides nothing, so it may be stopped and repeated at will.

Files that were replaced stay for a grace time, so that whoever reads them comes to an end; forgotten ones go at once.
Files of rewrites that never came to be may go whenever their number is taken: nobody can make them count.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from datastream.lake import layout
from datastream.lake.live import Live, live
from datastream.lake.log import Log
from datastream.lake.rewrite import Rewrite
from datastream.lake.store import Store
from datastream.lake.upkeep.attempt import Attempt
from datastream.lake.upkeep.marks import skip
from datastream.observe.crash import crash_point


@dataclass(frozen=True, slots=True)
class SweepPolicy:
    """How long what was replaced stays for those who read it."""

    grace: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Swept:
    """What was deleted."""

    files: int = 0
    orphans: int = 0
    manifests: int = 0


def sweep(store: Store, stream: str, now: datetime, run: str, policy: SweepPolicy | None = None) -> Swept:
    """Delete replaced files and folded manifests whose grace is over, and files of dead attempts."""
    policy, now_live = policy or SweepPolicy(), _sealed(store, stream, now, run)
    there = _files(store, stream)
    old = [key for key in there if _is_over(now_live.replaced.get(key), policy, now)]
    counting = {held.key for held in now_live.all_files} | now_live.replaced.keys()
    orphans = [key for key in there if key not in counting and _is_taken(layout.attempt_of(key), now_live)]
    for key in (*old, *orphans):
        crash_point("sweep.file")
        store.delete(key)
    return Swept(files=len(old), orphans=len(orphans), manifests=_delete_folded(store, now_live, policy, now))


def _files(store: Store, stream: str) -> list[str]:
    folders = (layout.data_folder(stream), layout.compact_folder(stream), layout.quarantine_folder(stream))
    return [key for folder in folders for key in store.keys(folder)]


def _is_over(rewrite: Rewrite | None, policy: SweepPolicy, now: datetime) -> bool:
    return rewrite is not None and (rewrite.kind == "forget" or rewrite.at + policy.grace <= now)


def _is_taken(attempt: int | None, stream: Live) -> bool:
    return attempt is not None and attempt < stream.next_rewrite


def _sealed(store: Store, stream: str, now: datetime, run: str) -> Live:
    """Return the stream, after taking the next number if an attempt at it lies there: so its files may be deleted.

    An attempt that is alive loses by it, and starts again.
    """
    there = _files(store, stream)  # before the log: what is listed now and is not in it then, is of a later number
    found = live(store, stream)
    if not any(layout.attempt_of(key) == found.next_rewrite for key in there):
        return found
    Attempt(store, found, "seal", now, run).commit()
    return live(store, stream)


def _delete_folded(store: Store, stream: Live, policy: SweepPolicy, now: datetime) -> int:
    deleted = 0
    over = [rewrite for rewrite in stream.rewrites if rewrite.at + policy.grace <= now]
    for lane, folded in {lane: folded for rewrite in over for lane, folded in rewrite.folded.items()}.items():
        there = layout.sequences(store.keys(layout.log_folder(stream.stream, lane)), "json")
        old = [seq for seq in there if seq <= folded.upto]
        if old:
            skip(store, stream.stream, lane, folded.upto)
        for seq in old:
            crash_point("sweep.manifest")
            store.delete(layout.manifest(stream.stream, lane, seq))
        deleted += len(old)
        Log(store, stream.stream, lane).sweep(folded.upto)
    return deleted
