"""The index over a lane's log: where the newest commit is, and which commits may hold a record, without reading all.

It is a hint and no truth. It is made of manifests, kept every sixteenth commit, and made anew by whoever finds none;
one that speaks of commits that are not there, as after a restore, is not believed. So opening a lane costs the
same after ten commits and after ten thousand.
"""

from datetime import datetime

import msgspec

from datastream.lake import layout
from datastream.lake.manifest import CursorRange, Manifest
from datastream.lake.store import Store

KEPT_EVERY = 16
_WIDTH = 64
"""So many single commits become one span: a search that hits it reads them all."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of some commits in a row without reading them: a record that no field admits is in none of them."""

    first: int
    last: int
    cursor: CursorRange | None
    """Least and greatest cursor value of their rows; None if no row has one."""
    without_cursor: bool
    """Some row has no cursor value, or values of different kinds stand side by side."""
    decided: tuple[datetime, datetime]
    """When the first and the last of them were decided."""
    epochs: frozenset[str | None]
    """Those of the buffer that their offsets belong to."""

    def may_hold(self, claim: CursorRange | None) -> bool:
        """Tell whether a record whose cursor lies in the range, or one that has none, may be among their rows."""
        return self.without_cursor or overlap(self.cursor, claim)


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """Everything up to the commit `seq`, oldest first."""

    seq: int = 0
    decision: str = ""
    """That of the newest commit: an index of another past, whose log was replaced by a restore, is told by it."""
    spans: tuple[Span, ...] = ()

    def add(self, manifest: Manifest) -> "Index":
        """Return the index with one commit more."""
        spans = (*self.spans, span_of(manifest))
        single = spans[-_WIDTH:]
        if len(single) == _WIDTH and all(span.first == span.last for span in single):
            spans = (*spans[:-_WIDTH], _merged(single))
        return Index(seq=manifest.header.seq, decision=manifest.header.decision, spans=spans)


def span_of(manifest: Manifest) -> Span:
    """Return what is known of one commit."""
    header, files = manifest.header, manifest.all_files
    ranges = [file.cursor for file in files if file.cursor]
    cursor, mixed = around(ranges)
    return Span(
        first=header.seq, last=header.seq, cursor=cursor, without_cursor=mixed or len(ranges) < len(files),
        decided=(header.decided_at, header.decided_at), epochs=frozenset([header.epoch]),
    )  # fmt: skip


def _merged(spans: tuple[Span, ...]) -> Span:
    cursor, mixed = around([span.cursor for span in spans if span.cursor])
    return Span(
        first=spans[0].first, last=spans[-1].last, cursor=cursor,
        without_cursor=mixed or any(span.without_cursor for span in spans),
        decided=(min(span.decided[0] for span in spans), max(span.decided[1] for span in spans)),
        epochs=frozenset().union(*(span.epochs for span in spans)),
    )  # fmt: skip


def around(ranges: list[CursorRange]) -> tuple[CursorRange | None, bool]:
    """Return the range around all of them, and whether they cannot be compared."""
    if len({type(end) for found in ranges for end in found}) > 1:
        return None, True
    if not ranges:
        return None, False
    return (min(found[0] for found in ranges), max(found[1] for found in ranges)), False


def overlap(kept: CursorRange | None, claim: CursorRange | None) -> bool:
    """Tell whether two ranges of cursor values have one in common. None has none."""
    if kept is None or claim is None:
        return False
    # JSON keeps no type but the values': a lane whose cursor changed its kind is looked into as a whole.
    if type(kept[0]) is not type(claim[0]):
        return True
    return kept[0] <= claim[1] and claim[0] <= kept[1]  # type: ignore[operator]


def stored(store: Store, stream: str, lane: str) -> Index:
    """Return the newest index that was kept; an empty one if there is none that can be read."""
    kept = layout.sequences(store.keys(layout.index_folder(stream, lane)), "index")
    for seq in reversed(kept):
        data = store.read(layout.index(stream, lane, seq))
        if data is None:  # another worker has just replaced it
            continue
        try:
            return msgspec.json.decode(data, type=Index)
        except (msgspec.DecodeError, UnicodeDecodeError):
            break
    return Index()


def keep(store: Store, stream: str, lane: str, index: Index) -> None:
    """Keep an index, and forget older ones."""
    before = layout.sequences(store.keys(layout.index_folder(stream, lane)), "index")
    if index.seq in before:  # of another past
        store.delete(layout.index(stream, lane, index.seq))
    store.create(layout.index(stream, lane, index.seq), msgspec.json.encode(index))
    for seq in before:
        if seq != index.seq:
            store.delete(layout.index(stream, lane, seq))
