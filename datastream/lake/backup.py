"""Copies a lake as it stands at one moment, while others go on writing to it.

A plain copy of the folder is none: what is listed first and what is listed last belong to different moments. Here the
logs are read first, and exactly the files are copied that they name; objects never change, so a later run copies only
what is new. Decided claims are left out: the source or the buffer still has what they hold.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from datastream.errors import Permanent
from datastream.lake import layout
from datastream.lake.live import Live, live
from datastream.lake.parquet import FileBroken
from datastream.lake.store import Store

_COPYING_THREADS = 4


class NotOurCopy(Permanent):
    """The place of the copy holds another lake."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What the copy has of a stream, and how much of it is new."""

    stream: str
    commits: int
    files: int
    new: int


def backup(store: Store, to: Store, stream: str) -> Copied:
    """Copy a stream, and return what the copy holds now. Raises NotOurCopy and FileBroken.

    Once it has returned, the copy is a lake: it verifies, and may be read and written under its own address. Stopped
    before that, it is run again.
    """
    marks = {lane: _marks(store, stream, lane) for lane in store.folders(layout.log_of(stream))}  # before the commits
    now = live(store, stream)
    new = sum(_copied(store, to, [held.key for held in now.all_files]))
    for keys in (_manifests(now), _rewrites(now), sorted(store.keys(layout.schema_folder(stream)))):
        new += sum(_copied(store, to, keys))
    for lane, mark in marks.items():
        if mark is not None:
            to.create(layout.announced(stream, lane, mark), store.read(layout.announced(stream, lane, mark)) or b"")
    return Copied(stream, now.commit_count, len(now.all_files), new)


def _marks(store: Store, stream: str, lane: str) -> int | None:
    return max(layout.sequences(store.keys(layout.announced_folder(stream, lane)), "announced"), default=None)


def _manifests(now: Live) -> list[str]:
    return [layout.manifest(now.stream, commit.header.lane, commit.header.seq) for commit in now.commits]


def _rewrites(now: Live) -> list[str]:
    return [layout.rewrite(now.stream, rewrite.seq) for rewrite in now.rewrites]


def _copied(store: Store, to: Store, keys: Iterable[str]) -> Iterator[bool]:
    with ThreadPoolExecutor(_COPYING_THREADS, thread_name_prefix="backup") as threads:
        yield from threads.map(lambda key: _copy(store, to, key), keys)


def _copy(store: Store, to: Store, key: str) -> bool:
    """Copy one object, and tell whether it was not there yet."""
    there = to.read(key)
    data = store.read(key)
    if data is None:
        raise FileBroken(
            f"{key} is missing, or was forgotten while it was to be copied. Run it again; if it is missing then too, "
            "restore it from an earlier backup."
        )
    if there is None and not to.create(key, data):
        there = to.read(key)
    if there is not None and there != data:
        raise NotOurCopy(
            f"{to.address(key)} holds something else than {store.address(key)}: it is a copy of another lake, or was "
            "written to since. Nothing was overwritten. Name an empty place."
        )
    return there is None
