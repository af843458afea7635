"""How far a backfill is, read from the logs of its lanes: for its workers, and for whoever watches them.

What was read is remembered: a slice that is done stays done, and of the others only new commits are read.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import msgspec

from datastream.announce import Outbox
from datastream.intake.backfill import slice_offsets
from datastream.intake.backfills import Backfill
from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest
from datastream.lake.store import Store
from datastream.records import Accounts

_READING_THREADS = 8


class Slice(msgspec.Struct):
    """One slice, as far as its log was read."""

    log: Log
    seq: int | None = None
    """The last commit that was read; None before the first look."""
    done: bool = False
    given_up: bool = False
    accounts: Accounts = Accounts()
    outside: int = 0
    without_cursor: int = 0


class Slices:
    """The slices of one backfill."""

    def __init__(self, store: Store, stream: str, backfill: Backfill) -> None:
        self._store, self._stream, self.again = store, stream, backfill.again
        self._slices = {name: Slice(Log(store, stream, name)) for name in backfill.slices()}
        self._begun = set(store.folders(layout.log_of(stream)))

    def __len__(self) -> int:
        return len(self._slices)

    @property
    def seen(self) -> Sequence[Slice]:
        """All of them, as far as they were read."""
        return list(self._slices.values())

    def left(self) -> Iterator[str]:
        """Yield the names of those that were not done when they were last looked at, oldest first."""
        return (name for name, one in list(self._slices.items()) if not one.done)

    def is_done(self, name: str) -> bool:
        """Tell whether a slice is done by now."""
        one = self._slices[name]
        if not one.done:
            self._look(name, one)
        return one.done

    def look(self, most: int) -> None:
        """Read what is new in the oldest slices that are not done, until so many are found that are not."""
        behind = self.left()
        with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="slices") as threads:
            missing = most
            while missing and (names := list(islice(behind, missing))):
                missing -= list(threads.map(self.is_done, names)).count(False)

    def all_done(self) -> bool:
        """Tell whether there is nothing left to read; no more is looked at than it takes to know."""
        self.look(_READING_THREADS)
        return not any(self.left())

    @property
    def given_up(self) -> bool:
        """Tell whether some slice that was looked at counts as done, though not all of it was read."""
        return any(one.given_up for one in self._slices.values())

    def unannounced(self) -> list[str]:
        """Return the slices with commits that the event bus has not confirmed."""
        return [
            name
            for name, one in self._slices.items()
            if Outbox(self._store, self._stream, name).position < (one.seq or 0)
        ]

    def _look(self, name: str, one: Slice) -> None:
        for commit in self._new(name, one):
            kept = slice_offsets(commit.header.offsets)
            one.seq = commit.header.seq
            one.done, one.given_up = kept.done_for(self.again), kept.given_up
            if kept.again >= self.again:
                one.accounts += commit.header.accounts
                one.outside, one.without_cursor = kept.outside, kept.without_cursor

    def _new(self, name: str, one: Slice) -> Iterator[Manifest]:
        if one.seq is None and name in self._begun:
            yield from one.log.manifests()  # the oldest may have expired
            return
        for commits in one.log.after(one.seq or 0):
            yield from commits
