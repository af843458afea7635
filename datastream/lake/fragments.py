"""The parts of the quality page on the lake: one a stream, numbered by the commit of `_quality` that it was made of.

A newer part is created before the older ones are deleted, so a reader finds one at any time. The page is one object of
them all, which is replaced. All of it can be made anew, so none is copied by a backup.
"""

from datastream.lake import layout
from datastream.lake.store import Store

Parts = dict[str, int]
"""The number of the newest part of each stream."""


def newest(store: Store) -> Parts:
    """Return which parts there are. It costs one listing."""
    found: Parts = {}
    for key in store.keys(layout.FRAGMENTS):
        for seq in layout.sequences([key], "fragment"):
            stream = key.split("/")[-2]
            found[stream] = max(seq, found.get(stream, 0))
    return found


def keep(store: Store, stream: str, seq: int, data: bytes) -> None:
    """Keep a part, and forget the others of its stream: also one with a higher number, which is of another past."""
    before = layout.sequences(store.keys(layout.fragment_folder(stream)), "fragment")
    if seq in before:
        store.delete(layout.fragment(stream, seq))
    store.create(layout.fragment(stream, seq), data)
    for other in before:
        if other != seq:
            store.delete(layout.fragment(stream, other))


def replace_page(store: Store, data: bytes) -> bool:
    """Put a page in the place of the last one, and tell whether it is there: another's may have come first.

    For a moment there is none. Whoever finds none may put the parts together.
    """
    store.delete(layout.PAGE)
    return store.create(layout.PAGE, data) or store.read(layout.PAGE) == data


def forget(store: Store, stream: str) -> None:
    """Forget what the page shows of a stream, at once: it may be a row that is not to be shown any more."""
    for key in list(store.keys(layout.fragment_folder(stream))):
        store.delete(key)
    store.delete(layout.PAGE)
