"""Asks of a stream's commits what its file expects of them: the log gives the figures, `quality.checks` judges them.

It reads manifests, from the newest back for eight windows, and the footers of two files; no row.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from datastream.catalog import Stream
from datastream.catalog.types import parse_type, text_of
from datastream.lake import reader
from datastream.lake.manifest import Manifest
from datastream.lake.rewrite import Whereabouts
from datastream.lake.store import Store
from datastream.quality.checks import EARLIER_WINDOWS, Check, Load, columns, freshness, quarantined, volume
from datastream.ranges import range_of
from datastream.records import OWN_COLUMNS


def check_commits(stream: Stream, store: Store, now: datetime) -> list[Check]:
    """Return one line a check. Raises FileBroken."""
    expected, window = stream.quality, stream.quality.volume.window
    # What is filled in says nothing of how fresh a stream is, nor of how much is usual.
    own = [lane for lane in reader.lanes(store, stream.name) if range_of(lane) is None]
    commits = _history(reader.newest_first(store, stream.name, own), now - (1 + EARLIER_WINDOWS) * window)
    loads = [Load(c.header.decided_at, c.header.accounts.loaded, c.header.accounts.quarantined) for c in commits]
    loaded = [commit for commit in commits if commit.files]
    before, where = _before(loaded, now - window), Whereabouts(store, stream.name)
    return [
        freshness(loaded[0].header.decided_at if loaded else None, _record(loaded), now, expected.fresh_within),
        volume(loads, now, expected.volume),
        quarantined(loads, now, window, expected.quarantined_at_most),
        columns(
            _columns(store, where, loaded[0] if loaded else None),
            _columns(store, where, before),
            str(before or ""),
            fixed=expected.schema_mode == "fixed",
        ),
    ]


def _history(commits: Iterator[Manifest], since: datetime) -> list[Manifest]:
    """Return the commits since a moment and the last one before it; more only until one is among them that loaded."""
    found, loaded = [], False
    for commit in commits:
        found.append(commit)
        loaded = loaded or bool(commit.files)
        if loaded and commit.header.decided_at < since:
            break
    return found


def _before(loaded: Sequence[Manifest], moment: datetime) -> Manifest | None:
    """Return the newest commit before a moment, else the oldest there is; never the one that is compared with it."""
    earlier = loaded[1:]
    return next((commit for commit in earlier if commit.header.decided_at < moment), earlier[-1] if earlier else None)


def _record(loaded: Sequence[Manifest]) -> str | int | None:
    """Return the greatest cursor value among the rows of these commits; of a lane they are all of one kind."""
    return max((file.cursor[1] for commit in loaded for file in commit.files if file.cursor), default=None)


def _columns(store: Store, where: Whereabouts, commit: Manifest | None) -> dict[str, str]:
    files = [] if commit is None else where.of(commit.files)
    if commit is None or not files:
        return {}
    there = {field.name: field.type for field in reader.committed_schema(store, str(commit), files)}
    # A file that was put together with others has columns and types that came after the commit; the log knows its own.
    own = {name: parse_type(kind) for name, kind in commit.header.columns.items()} or there
    return {name: text_of(kind) for name, kind in own.items() if name in there and name not in OWN_COLUMNS}
