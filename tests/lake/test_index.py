"""The index over a log: opening a lane reads a few commits, however many there are; it is a hint and no truth."""

from pathlib import Path
from threading import Thread

import pytest

from datastream.lake import layout, writer
from datastream.lake.index import KEPT_EVERY, Index
from datastream.lake.local import LocalStore
from datastream.lake.log import Log
from datastream.lake.store import MemoryStore, Store
from tests.lake.plans import plan_of


class Counting(MemoryStore):
    """A store that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.read_keys: list[str] = []
        self.listed: list[str] = []

    def read(self, key: str) -> bytes | None:
        self.read_keys.append(key)
        return super().read(key)

    def keys(self, prefix: str):
        self.listed.append(prefix)
        return super().keys(prefix)


def committed(store: Store, *numbers: int) -> None:
    """Commit as a lane does, whose index goes with it."""
    log = Log(store, "orders")
    index, _ = log.opened()
    for seq in numbers:
        day = f"2026-01-{1 + seq % 28:02}"
        log.commit(writer.write(store, plan_of([f"r{seq}"], seq=seq, cursor=(day, day))))
        index = index.add(log.manifest(seq))
        log.keep(index)


@pytest.mark.parametrize("count", [1, KEPT_EVERY - 1, KEPT_EVERY, 200])
def test_the_newest_commit_is_found(count: int) -> None:
    store = MemoryStore()
    committed(store, *range(1, count + 1))
    index, newest = Log(store, "orders").opened()
    assert (index.seq, newest.header.seq) == (count, count)
    assert (index.spans[0].first, index.spans[-1].last) == (1, count)


def test_opening_costs_the_same_after_many_commits() -> None:
    asked = []
    for count in (100, 1000):
        store = Counting()
        committed(store, *range(1, count + 1))
        store.read_keys.clear()
        store.listed.clear()
        Log(store, "orders").opened()
        asked.append(len(store.read_keys))
        assert store.listed == [layout.index_folder("orders", "0")]
    assert max(asked) <= 2 * KEPT_EVERY


def test_an_index_that_is_lost_or_broken_is_made_anew() -> None:
    store = MemoryStore()
    committed(store, *range(1, 101))
    [key] = [key for key in store.objects if key.endswith(".index")]
    expected, _ = Log(store, "orders").opened()
    store.objects[key] = b"no index"
    assert Log(store, "orders").opened()[0] == expected
    del store.objects[key]
    assert Log(store, "orders").opened()[0] == expected


def test_an_index_of_commits_that_are_not_there_is_not_believed() -> None:
    """An older copy of the log was restored, and the index was not."""
    store = MemoryStore()
    committed(store, *range(1, 101))
    for seq in range(51, 101):
        store.delete(layout.manifest("orders", "0", seq))
    index, newest = Log(store, "orders").opened()
    assert (index.seq, newest.header.seq) == (50, 50)


def test_a_log_whose_oldest_commits_have_expired_is_opened(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    committed(store, *range(1, 41))
    for seq in range(1, 21):
        store.delete(layout.manifest("orders", "0", seq))
    for key in list(store.keys(layout.index_folder("orders", "0"))):
        store.delete(key)
    index, newest = Log(store, "orders").opened()
    assert (index.seq, newest.header.seq, index.spans[0].first) == (40, 40, 21)


def test_spans_name_every_commit_that_may_hold_a_cursor_value() -> None:
    store = MemoryStore()
    committed(store, *range(1, 301))
    index, _ = Log(store, "orders").opened()
    assert len(index.spans) < 100
    day = "2026-01-08"
    named = {
        seq for span in index.spans if span.may_hold((day, day)) for seq in range(span.first, span.last + 1)
    }  # fmt: skip
    assert named >= {seq for seq in range(1, 301) if 1 + seq % 28 == 8}
    assert not [span for span in index.spans if span.may_hold(("2027-01-01", "2027-01-02"))]


def test_what_has_no_cursor_may_be_anywhere() -> None:
    store = MemoryStore()
    log = Log(store, "orders")
    log.commit(writer.write(store, plan_of(["a"], cursor=None)))
    [span] = Index().add(log.manifest(1)).spans
    assert span.may_hold(None)


def test_where_a_read_waits_for_no_network_no_thread_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a local disk threads took longer to begin than to read."""
    local, begun = LocalStore(tmp_path), []
    committed(local, 1, 2, 3, 4, 5)
    monkeypatch.setattr(Thread, "start", lambda thread: begun.append(thread.name))
    assert [found.header.seq for found in Log(local, "orders").manifests()] == [1, 2, 3, 4, 5]
    assert begun == []
