"""Tells what is ours on a lake from what is not, by the names that commits and rewrites give.

A file that bears such a name and belongs to no commit is a fault. Anything else, such as another project's folder, a
note or a file that somebody put beside the data, is a stranger: it is named and left alone. Engines that read the
folder without asking the log may read it, the readers of the log never do.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from datastream.lake import layout
from datastream.lake.live import Live
from datastream.lake.store import Store

_OURS = {
    "_log", "_plans", "_index", "_schema", "_events", "_alerts", "_quarantine", "_maintenance", "_report", "_proof",
    "_tmp",
}  # fmt: skip


def sorted_out(there: Iterable[str], stream: Live, announced: AbstractSet[str]) -> tuple[list[str], list[str]]:
    """Return the files that bear our names and belong to no commit, and the strangers. `announced` are being written.

    A file of an attempt at a rewrite counts as neither: it becomes part of one, or the sweep deletes it.
    """
    counting = {held.key for held in stream.all_files} | stream.replaced.keys() | announced
    left = sorted(key for key in there if key not in counting and layout.attempt_of(key) is None)
    homeless = [key for key in left if layout.looks_committed(key)]
    return homeless, [key for key in left if not layout.looks_committed(key)]


def among_folders(store: Store) -> list[str]:
    """Return the folders at the lake's root that are no stream's and none of ours."""
    streams = set(store.folders(layout.LOGS)) | set(store.folders("_plans/"))
    return [f"{name}/" for name in store.folders("") if name not in _OURS and name not in streams]
