"""Which rows have left the quarantine, and which claims are held there: by the log, and the files of the lane `replay`.

A row that was loaded later stays in the file that set it aside, because no file is changed; it does not count there any
more. Old and new row have the same `_record_id`: that is the trail from one to the other.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from datastream.lake import layout
from datastream.lake.live import Live
from datastream.lake.manifest import Manifest
from datastream.lake.parquet import opened, some
from datastream.lake.rewrite import Held
from datastream.lake.store import Store
from datastream.records import COMMIT, RECORD_ID

RELEASED, REJECTED = "released", "rejected"
"""What the offsets of a commit of the lane `replay` say was decided of a held claim, which they name."""
_OF_REPLAY = f"{layout.REPLAY}-"
State = Literal["held", "released", "rejected"]


class HeldClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that lies in quarantine as a whole, and what was decided of it."""

    commit: str
    rules: list[str]
    rows: int
    at: datetime
    state: State


def replays(files: Iterable[Held]) -> list[Held]:
    """Return the files among these that may hold rows which were in quarantine before."""
    return [held for held in files if any(commit.startswith(_OF_REPLAY) for commit in held.commits)]


def replayed_ids(store: Store, stream: Live) -> pa.ChunkedArray:
    """Return the ids of the rows that left the quarantine and are on the lake. Raises FileBroken."""
    chunks: list[pa.Array] = []
    for held in replays([*stream.data, *(other for other in stream.others if not layout.is_quarantine(other.key))]):
        rows = opened(store, held.commits[-1], held.file, lambda data: some(data, [RECORD_ID, COMMIT]))
        mine = rows.filter(pc.starts_with(rows[COMMIT], _OF_REPLAY))
        chunks += mine[RECORD_ID].chunks
    return pa.chunked_array(chunks, pa.string())


def decides(commit: Manifest) -> str | None:
    """Return the held claim of which a commit says what was decided, if it does."""
    offsets = commit.header.offsets if commit.header.lane == layout.REPLAY else {}
    return offsets.get(RELEASED) or offsets.get(REJECTED)


def held_claims(stream: Live) -> list[HeldClaim]:
    """Return the claims that are or were held and lie in quarantine still, oldest first."""
    decided: dict[str, State] = {}
    for offsets in (commit.header.offsets for commit in stream.commits if commit.header.lane == layout.REPLAY):
        if RELEASED in offsets:
            decided.setdefault(offsets[RELEASED], "released")
        elif REJECTED in offsets:
            decided.setdefault(offsets[REJECTED], "rejected")
    there = {commit for held in stream.quarantine for commit in held.commits}
    found = [
        HeldClaim(
            commit=str(commit), rules=commit.header.held, rows=commit.quarantine.rows if commit.quarantine else 0,
            at=commit.header.decided_at, state=decided.get(str(commit), "held"),
        )
        for commit in stream.commits if commit.header.held and str(commit) in there
    ]  # fmt: skip
    return sorted(found, key=lambda claim: claim.at)
