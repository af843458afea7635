"""What `verify` says of a lake that somebody damaged, and of what is not ours on it."""

import msgspec
import pytest

from datastream.lake import layout
from datastream.lake.live import live
from datastream.lake.log import Log
from datastream.lake.manifest import LogTooNew
from datastream.lake.rewrite import Whereabouts
from datastream.lake.verify import verify
from tests.lake.plans import plan_of
from tests.upkeep.kept import Kept


@pytest.mark.parametrize(
    "key",
    [
        "orders/data/notes.txt",
        "orders/data/theirs.parquet",
        "orders/readme.md",
        "orders/data/at_day=2026-01-01/part-0.parquet",
        "_quarantine/orders/old/0-000000000001.csv",
        "orders/compact/theirs.parquet",
    ],
)
def test_what_is_not_named_like_ours_is_left_alone_and_named(everywhere: Kept, key: str) -> None:
    everywhere.commit(range(3))
    everywhere.store.create(key, b"theirs")
    found = verify(everywhere.store, "orders")
    assert (found.ok, found.strangers) == (True, [key])
    assert everywhere.store.read(key) == b"theirs"


def test_another_projects_folder_is_named(everywhere: Kept) -> None:
    everywhere.commit(range(3))
    everywhere.store.create("their project/data/0-000000000001-0000.parquet", b"theirs")
    assert verify(everywhere.store, "orders").strangers == ["their project/"]


def test_what_was_replaced_is_neither_missing_nor_a_stranger(kept: Kept) -> None:
    for start in (0, 5, 10):
        kept.commit(range(start, start + 5))
    kept.compact()
    kept.store.delete(kept.made[0].files[0].key)  # a sweep that was stopped half way
    found = verify(kept.store, "orders")
    assert (found.problems, found.strangers, found.files, found.loaded) == ([], [], 1, 15)


def test_a_file_that_is_gone_is_named_with_its_commits(kept: Kept) -> None:
    for start in (0, 5):
        kept.commit(range(start, start + 5))
    kept.store.delete(kept.made[1].files[0].key)
    assert any("is missing (commit 0-000000000002)" in problem for problem in kept.problems)


def test_a_file_of_several_commits_is_named_with_them(kept: Kept) -> None:
    for start in (0, 5):
        kept.commit(range(start, start + 5))
    kept.compact()
    [held] = live(kept.store, "orders").data
    kept.store.delete(held.key)
    [problem, *_] = kept.problems
    assert problem == f"{held.key} is named by the log and is missing (commits 0-000000000001 to 0-000000000002)."


def test_without_rows_no_file_is_opened_and_a_missing_one_is_found(kept: Kept) -> None:
    kept.commit(range(5))
    assert verify(kept.store, "orders", rows=False).ok
    kept.store.delete(kept.made[0].files[0].key)
    assert any("is missing" in problem for problem in verify(kept.store, "orders", rows=False).problems)


def newer(kept: Kept, key: str) -> None:
    """Make an object of the log one of a version to come."""
    found = msgspec.json.decode(kept.store.read(key) or b"{}")
    kept.store.delete(key)
    kept.store.create(key, msgspec.json.encode({**found, "format": 4, "header": "not what it was"}))


def test_a_commit_of_a_newer_version_is_refused(kept: Kept) -> None:
    kept.commit(range(5))
    newer(kept, layout.manifest("orders", "0", 1))
    with pytest.raises(LogTooNew, match=r"_log/orders/0/000000000001\.json is of format 4.*upgrade datastream"):
        Log(kept.store, "orders").newest()


def test_a_rewrite_of_a_newer_version_is_refused(kept: Kept) -> None:
    kept.commit(range(5))
    kept.commit(range(5, 10))
    kept.compact()
    newer(kept, layout.rewrite("orders", 1))
    with pytest.raises(LogTooNew, match=r"_maintenance/orders/000000000001\.json is of format 4"):
        Whereabouts(kept.store, "orders").of([])


def test_a_plan_of_a_newer_version_is_refused(kept: Kept) -> None:
    plan = plan_of(["a"])
    newer_ = msgspec.structs.replace(plan, manifest=msgspec.structs.replace(plan.manifest, format=4))
    kept.store.create(layout.plan("orders", "0", 1), newer_.encoded)
    with pytest.raises(LogTooNew, match=r"000000000001\.plan is of format 4"):
        Log(kept.store, "orders").plan(1)
