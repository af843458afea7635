"""Writes the page on the lake, and reads it. It reads what is known of the stream that was just checked, and no log."""

from collections.abc import Mapping, Sequence

from datastream.catalog import Stream
from datastream.health.state import State
from datastream.lake import fragments, layout
from datastream.lake.log import Log
from datastream.lake.store import Store
from datastream.report.page import Fragment, fragment, put_together
from datastream.report.reading import encode, kept
from datastream.report.samples import Samples, samples
from datastream.report.story import Seen, story

_TRIES = 5


def write(store: Store, streams: Mapping[str, Stream | None], runs_at: str | None = None) -> str:
    """Make the parts of some streams anew, and the page of all, and return its address.

    Of a stream without a file no row is shown: nobody says what of it is personal. Raises StateTooNew.
    """
    for name, stream in streams.items():
        made = part(store, name, stream, runs_at)
        if made is not None:
            fragments.keep(store, name, made[0], encode(made[1]))
    for _ in range(_TRIES):  # beside other runs: the page that stays is to be made of all parts there are
        of = fragments.newest(store)
        if fragments.replace_page(store, put_together(kept(store, of))) and fragments.newest(store) == of:
            break
    return store.address(layout.PAGE)


def made_of(store: Store, streams: Mapping[str, Stream | None], runs_at: str | None = None) -> bytes:
    """Return a page of these streams, made anew, and write nothing. Raises StateTooNew."""
    parts = (part(store, name, stream, runs_at) for name, stream in streams.items())
    return put_together([made for _, made in filter(None, parts)])


def part(store: Store, name: str, stream: Stream | None, runs_at: str | None) -> tuple[int, Fragment] | None:
    """Return what is to be told of a stream, and the commit of `_quality` that knows it; None before the first."""
    newest = Log(store, layout.QUALITY, name).newest()
    if newest is None:
        return None
    header, state = newest.header, State.of(newest.header.offsets)
    rows = _samples(store, stream, state.memory.shown.aside)
    looks = (points[-1].at for points in state.memory.points.values() if points)
    at = max(looks, default=header.decided_at)  # what people say of a check is a commit too
    run = header.run if at == header.decided_at else ""
    return header.seq, fragment(story(Seen(name, stream, state, at, run, rows, runs_at)), at)


def _samples(store: Store, stream: Stream | None, commits: Sequence[str]) -> Samples:
    return Samples() if stream is None else samples(store, stream.name, stream.mask, commits)
