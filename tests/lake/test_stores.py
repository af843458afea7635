"""The contract of a store, held by every implementation."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from datastream.lake.local import LocalStore
from datastream.lake.s3 import S3Store
from datastream.lake.store import LakeUnusable, MemoryStore, Store


@pytest.fixture(params=["memory", "local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    match request.param:
        case "memory":
            yield MemoryStore()
        case "local":
            yield LocalStore(tmp_path / "lake")
            assert list(tmp_path.glob("lake/_tmp/*")) == [], "a temporary file was left"
        case "s3":
            yield S3Store(request.getfixturevalue("lake"))


def test_an_object_is_created_once(store: Store) -> None:
    assert store.create("a/b.parquet", b"first")
    assert not store.create("a/b.parquet", b"second")
    assert store.read("a/b.parquet") == b"first"


def test_of_many_writers_one_wins(store: Store) -> None:
    with ThreadPoolExecutor(16) as threads:
        won = list(threads.map(lambda n: store.create("race", bytes([n])), range(24)))
    assert won.count(True) == 1
    assert store.read("race") == bytes([won.index(True)])


def test_many_objects_are_created_and_those_that_existed_are_named(store: Store) -> None:
    store.create("x/1", b"old")
    assert store.create_all({"x/1": b"new", "x/2": b"new", "y/z/3": b"new"}) == {"x/1"}
    assert [store.read(key) for key in ("x/1", "x/2", "y/z/3")] == [b"old", b"new", b"new"]


def test_what_does_not_exist_reads_as_none_and_may_be_deleted(store: Store) -> None:
    store.delete("nothing")
    assert store.read("nothing") is None


def test_keys_lie_below_their_folder(store: Store) -> None:
    for key in ("a/1", "a/b/2", "ab/3"):
        store.create(key, b"")
    assert sorted(store.keys("a/")) == ["a/1", "a/b/2"]
    assert list(store.keys("c/")) == []


def test_a_deleted_object_may_be_created_again(store: Store) -> None:
    store.create("k", b"1")
    store.delete("k")
    assert store.create("k", b"2")


def test_a_file_is_never_seen_in_part(tmp_path: Path) -> None:
    """A reader that looks all the time sees nothing or all of it."""
    store, data = LocalStore(tmp_path), b"x" * 5_000_000
    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(lambda: [store.create(f"file-{n}", data) for n in range(10)])
        sizes = set()
        while not writing.done():
            sizes |= {len(found) for n in range(10) if (found := store.read(f"file-{n}")) is not None}
    assert sizes <= {len(data)}


def test_what_a_killed_writer_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    LocalStore(tmp_path)
    old, young = tmp_path / "_tmp/old", tmp_path / "_tmp/young"
    old.touch()
    young.touch()
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    LocalStore(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)
    young.unlink()


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LakeUnusable, match=r"cannot be written: .* make the folder writable"):
        LocalStore(tmp_path / "file" / "lake")
