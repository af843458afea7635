"""One attempt at a rewrite: its files are written under names of its own, then the rewrite is created.

Killed before that, it leaves files that nobody reads and that stand in nobody's way; who has lost the race deletes its
own. A number that is taken is never taken again, so what is left over from older numbers may be deleted at any time.
"""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from datastream.lake import layout
from datastream.lake.index import around
from datastream.lake.live import Live
from datastream.lake.live import around as commits_around
from datastream.lake.manifest import DataFile
from datastream.lake.rewrite import Held, Kind, Rewrite, create
from datastream.lake.store import LakeUnusable, Store
from datastream.observe.crash import step


class Attempt:
    """A rewrite of a stream as it stood when the attempt began."""

    def __init__(self, store: Store, live: Live, kind: Kind, now: datetime, run: str) -> None:
        self._store, self._parts = store, 0
        self._rewrite = Rewrite(
            stream=live.stream, seq=live.next_rewrite, attempt=secrets.token_hex(4), kind=kind, at=now, run=run
        )
        self._written: list[str] = []

    @property
    def origin(self) -> dict[str, str]:
        """What stands in the footer of each of its files."""
        mine = self._rewrite
        return {"datastream.stream": mine.stream, "datastream.rewrite": str(mine.seq), "datastream.run": mine.run}

    def write(self, data: bytes, rows: int, sources: Iterable[Held]) -> Held:
        """Write one file with rows of the files `sources`, beside them."""
        sources = list(sources)
        key = self._key(sources[0].key)
        with step("rewrite.file"):
            if not self._store.create(key, data) and self._store.read(key) != data:
                raise LakeUnusable(f"{key} exists and is not ours, though its name was made up at random. Run again.")
        self._written.append(key)
        ranges = [held.file.cursor for held in sources if held.file.cursor]
        cursor, mixed = around(ranges)
        whole = None if mixed or len(ranges) < len(sources) else cursor
        file = DataFile(key=key, rows=rows, bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), cursor=whole)
        commits, decided = commits_around(sources)
        return Held(file=file, commits=commits, decided=decided)

    def commit(self, **said: Any) -> Rewrite | None:
        """Have it count, with what it says. None means that another rewrite was first: nothing of this one is left."""
        rewrite: Rewrite = msgspec.structs.replace(self._rewrite, **said)
        with step("rewrite.commit"):
            won = create(self._store, rewrite)
        if won:
            return rewrite
        self.abandon()
        return None

    def abandon(self) -> None:
        """Delete the files it has written. It is not to be committed any more."""
        for key in self._written:
            self._store.delete(key)

    def _key(self, beside: str) -> str:
        mine, part = self._rewrite, self._parts
        self._parts += 1
        if layout.is_quarantine(beside):
            return layout.rewritten_quarantine(mine.stream, mine.seq, mine.attempt, part)
        return layout.rewritten_data(mine.stream, layout.partition_of(beside), mine.seq, mine.attempt, part)
