"""The lake's benchmark measures real commits. Nothing is timed here."""

from pathlib import Path

from benchmarks.lake.__main__ import claim, without
from benchmarks.lake.bare import local
from benchmarks.lake.claims import STREAM
from benchmarks.lake.logs import commits_of, open_and_commit
from datastream.lake.log import Log
from datastream.lake.store import MemoryStore
from datastream.lake.verify import verify


def test_a_claim_is_committed_whole(tmp_path: Path) -> None:
    store = MemoryStore()
    assert claim(store, 1) > 0
    found = verify(store, STREAM.name)
    assert (found.loaded, found.files, found.ok) == (50_000, 50, True)
    assert without(local(tmp_path), 1) > 0
    assert len(list(tmp_path.rglob("*.parquet"))) == 50


def test_a_log_is_as_long_as_it_was_asked_to_be() -> None:
    store = MemoryStore()
    commits_of(store, 40)
    open_and_commit(store)
    assert Log(store, STREAM.name).newest().header.seq == 41
