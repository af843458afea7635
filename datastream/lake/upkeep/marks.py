"""How far a lane's commits are announced, and what becomes of that where they are folded without ever having been."""

from datastream.lake import layout
from datastream.lake.store import Store

_FOLDED = b"folded"
"""What stands in a mark that no broker gave; one of a broker is empty."""


def announced(store: Store, stream: str, lane: str) -> int | None:
    """Return how far a broker has confirmed a lane: what waits for it stays in the log. None where there was none."""
    seq = _newest(store, stream, lane)
    return None if seq is None or _is_ours(store, stream, lane, seq) else seq


def skip(store: Store, stream: str, lane: str, upto: int) -> None:
    """Have a broker that is named later begin after `upto`, where there was none yet: no manifest is left before it."""
    seq = _newest(store, stream, lane)
    if seq is not None and (seq >= upto or not _is_ours(store, stream, lane, seq)):
        return
    store.create(layout.announced(stream, lane, upto), _FOLDED)
    if seq is not None:
        store.delete(layout.announced(stream, lane, seq))


def _newest(store: Store, stream: str, lane: str) -> int | None:
    marks = layout.sequences(store.keys(layout.announced_folder(stream, lane)), "announced")
    return marks[-1] if marks else None


def _is_ours(store: Store, stream: str, lane: str, seq: int) -> bool:
    return store.read(layout.announced(stream, lane, seq)) == _FOLDED
