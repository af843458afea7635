"""Reads the page from the lake, for whoever serves it: without what making its parts needs."""

from collections.abc import Mapping

import msgspec

from datastream.lake import fragments, layout
from datastream.lake.store import Store
from datastream.report.page import Fragment, put_together

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Fragment)


def read(store: Store) -> bytes | None:
    """Return the page, whole; None before the first run.

    While it is replaced, and where a run was killed then, it is put together of its parts.
    """
    data = store.read(layout.PAGE)
    if data is not None:
        return data
    of = fragments.newest(store)
    return store.read(layout.PAGE) or (put_together(kept(store, of)) if of else None)


def encode(part: Fragment) -> bytes:
    """Return a part as it is kept."""
    return _encoder.encode(part)


def kept(store: Store, of: Mapping[str, int]) -> list[Fragment]:
    """Return these parts. One that was just replaced by a newer, or cannot be read, is left out."""
    found = []
    for stream, seq in of.items():
        data = store.read(layout.fragment(stream, seq))
        try:
            found += [_decoder.decode(data)] if data else []
        except (msgspec.DecodeError, UnicodeDecodeError):  # a later version's: its next run makes it anew
            continue
    return found
