"""What maintenance did to a stream: a gapless, create-only log of its own, beside those of the lanes.

A rewrite takes files out of the stream and puts others in their place, or none. Its files are written first, under
names that no other attempt has; the object of the rewrite is the commit, and the first one of a number wins. Commits of
data only ever add files, so the two logs never contradict each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Literal

import msgspec

from datastream.lake import layout
from datastream.lake.manifest import FORMAT, DataFile, ManifestBroken, format_of, refuse_newer
from datastream.lake.store import Store
from datastream.records import Accounts

_READING_THREADS = 8
Kind = Literal["compact", "forget", "expire", "seal"]


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A file, and the commits whose rows it may hold."""

    file: DataFile
    commits: tuple[str, ...]
    decided: tuple[datetime, datetime]
    """When the first and the last of them were decided."""

    @property
    def key(self) -> str:
        """The file's own."""
        return self.file.key


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """Files that left the stream, and those that hold what stays of their rows."""

    removes: tuple[str, ...]
    adds: tuple[Held, ...] = ()


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that left the lake for good."""

    data: int = 0
    quarantined: int = 0

    def __add__(self, other: "Gone") -> "Gone":
        return Gone(data=self.data + other.data, quarantined=self.quarantined + other.quarantined)


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """Commits of a lane that stand in its log no more, as a sum: none of their rows is on the lake."""

    upto: int
    commits: int
    accounts: Accounts
    set_aside: dict[str, int]


class Rewrite(msgspec.Struct, frozen=True, kw_only=True):
    """One step of maintenance."""

    stream: str
    seq: int
    attempt: str
    """A random name, by which a worker knows its own rewrite from another's."""
    kind: Kind
    at: datetime
    run: str
    swaps: tuple[Swap, ...] = ()
    gone: Gone = Gone()
    moved: int = 0
    """Rows that lie in other files now."""
    forgotten: tuple[str, ...] = ()
    """Ids of records that are not to come back."""
    erased: tuple[str, ...] = ()
    """Files that an earlier rewrite had replaced, and that hold something forgotten: they wait for no reader."""
    folded: dict[str, Folded] = {}
    """By lane."""
    format: int = FORMAT


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Rewrite)


def rewrites(store: Store, stream: str) -> list[Rewrite]:
    """Return all rewrites of a stream, in order. Where there is none, that is one listing."""
    there = layout.sequences(store.keys(layout.rewrites_folder(stream)), "json")
    keys = [layout.rewrite(stream, seq) for seq in range(1, there[-1] + 1)] if there else []
    if len(keys) <= 1:
        return [_read(store, key) for key in keys]
    with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="rewrites") as threads:
        return list(threads.map(lambda key: _read(store, key), keys))


def create(store: Store, rewrite: Rewrite) -> bool:
    """Make a rewrite count, durably. False means that another one has its number, and that this one never will."""
    key = layout.rewrite(rewrite.stream, rewrite.seq)
    data = msgspec.json.format(_encoder.encode(rewrite), indent=1)
    return store.create(key, data) or _read(store, key).attempt == rewrite.attempt  # ours, whose answer was lost


def _read(store: Store, key: str) -> Rewrite:
    data = store.read(key)
    try:
        refuse_newer(key, format_of(data or b""))
        return _decoder.decode(data or b"")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestBroken(
            f"{key} is missing, or is no rewrite this version can read: {error}. Restore it from a backup of the lake; "
            "without it nobody knows which files of the stream count."
        ) from error


class Whereabouts:
    """Where rows lie today that a commit wrote, through all rewrites; and which records are not to come back.

    Read when it is first asked; `again` reads what was rewritten since.
    """

    def __init__(self, store: Store, stream: str) -> None:
        self._store, self._stream = store, stream
        self._moves: Mapping[str, Sequence[Held]] | None = None
        self._forgotten: frozenset[str] = frozenset()

    @property
    def forgotten(self) -> frozenset[str]:
        """The ids of records that were forgotten."""
        self._known()
        return self._forgotten

    def of(self, files: Iterable[DataFile]) -> list[DataFile]:
        """Return the files that hold today what these held, each once. Some of their rows may have left the lake."""
        moves = self._known()
        return list({file.key: file for each in files for file in _followed(moves, each)}.values())

    def again(self) -> None:
        """Look anew."""
        self._moves = None

    def _known(self) -> Mapping[str, Sequence[Held]]:
        if self._moves is None:
            found = rewrites(self._store, self._stream)
            self._forgotten = frozenset(record for rewrite in found for record in rewrite.forgotten)
            self._moves = {key: swap.adds for rewrite in found for swap in rewrite.swaps for key in swap.removes}
        return self._moves


def _followed(moves: Mapping[str, Sequence[Held]], file: DataFile) -> Iterable[DataFile]:
    """Return where a file's rows went, rewrite after rewrite; a file never comes back under the same name."""
    waiting, found, seen = [file], dict[str, DataFile](), {file.key}
    while waiting:
        at = waiting.pop()
        if at.key not in moves:
            found[at.key] = at
        for held in moves.get(at.key, ()):
            if held.key not in seen:
                seen.add(held.key)
                waiting.append(held.file)
    return found.values()
