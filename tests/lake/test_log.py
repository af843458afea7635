"""The log of a lane: the first decision and the first commit win, whoever sleeps or comes again."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet
import pytest

from datastream.lake import layout, writer
from datastream.lake.duplicates import FileMissing, KnownIds, overlapping
from datastream.lake.local import LocalStore
from datastream.lake.log import CommitConflict, Log
from datastream.lake.manifest import ManifestBroken, decode
from datastream.lake.plan import Plan, decode_plan
from datastream.lake.s3 import S3Store
from datastream.lake.store import MemoryStore, Store
from datastream.lake.verify import verify
from datastream.lake.writer import FileConflict
from datastream.records import RAW, RECORD_ID, RULES
from tests.lake.plans import plan_of


@pytest.fixture(params=["memory", "local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        return S3Store(request.getfixturevalue("lake"))
    return MemoryStore() if request.param == "memory" else LocalStore(tmp_path)


@pytest.fixture
def log(store: Store) -> Log:
    return Log(store, "orders")


def commit(log: Log, store: Store, plan: Plan) -> None:
    log.decide(plan)
    log.commit(writer.write(store, plan))
    log.settle(plan.header.seq)


def test_a_plan_comes_back_as_it_went(log: Log) -> None:
    plan = plan_of(["a", "b"], ["c"])
    back = decode_plan("key", plan.encoded)
    assert (back.manifest, list(back.data)) == (plan.manifest, list(plan.data))
    assert back.ids.equals(plan.ids)
    assert log.decide(plan) is plan


def test_the_first_decision_holds(log: Log) -> None:
    first, second = plan_of(["a"]), plan_of(["b"])
    log.decide(first)
    held = log.decide(second)
    assert held is not None
    assert held.header.decision == first.header.decision


def test_who_slept_through_the_commit_drops_its_claim(log: Log, store: Store) -> None:
    """The plan it makes is new, because the old one is deleted; only the look at the manifest tells."""
    commit(log, store, plan_of(["a"]))
    assert log.decide(plan_of(["late"])) is None
    assert [key for key in store.keys("_plans/") if key.endswith(".plan")] == []


def test_a_commit_made_again_is_the_same_commit(log: Log, store: Store) -> None:
    plan = plan_of(["a"])
    manifest = writer.write(store, plan)
    assert log.commit(manifest) == log.commit(writer.write(store, plan)) == manifest


def test_a_commit_of_another_decision_is_refused(log: Log, store: Store) -> None:
    log.commit(writer.write(store, plan_of(["a"])))
    with pytest.raises(CommitConflict, match="another decision"):
        log.commit(writer.write(store, plan_of([])))


def test_a_file_with_other_rows_under_our_name_is_refused(store: Store) -> None:
    writer.write(store, plan_of(["a"]))
    with pytest.raises(FileConflict, match="holds other rows"):
        writer.write(store, plan_of(["b"]))


def test_a_file_that_is_none_of_ours_is_refused(store: Store) -> None:
    plan = plan_of(["a"])
    store.create(plan.manifest.files[0].key, b"no Parquet")
    with pytest.raises(FileConflict, match="holds other rows"):
        writer.write(store, plan)


def test_writing_again_describes_the_file_that_is_there(store: Store) -> None:
    """Bytes may differ between versions of the Parquet writer; rows may not."""
    plan = plan_of(["a"])
    first = writer.write(store, plan)
    key = first.files[0].key
    table = pa.table({RECORD_ID: ["a"], "other": [1]})
    store.delete(key)
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(table, sink)
    store.create(key, sink.getvalue().to_pybytes())
    assert writer.write(store, plan).files[0].sha256 != first.files[0].sha256


def test_left_over_plans_of_commits_are_swept_and_open_ones_are_not(log: Log, store: Store) -> None:
    commit(log, store, plan_of(["a"]))
    store.create(layout.plan("orders", "0", 1), b"left over")
    log.decide(plan_of(["b"], seq=2))
    log.sweep(1)
    assert [key for key in store.keys("_plans/") if key.endswith(".plan")] == [layout.plan("orders", "0", 2)]


def test_a_plan_is_opened_by_any_zip_tool(tmp_path: Path) -> None:
    plan = plan_of(["a"], ["b"])
    with zipfile.ZipFile(io.BytesIO(plan.encoded)) as archive:
        archive.extractall(tmp_path)
        assert archive.testzip() is None
    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet")]
    assert sorted(files) == sorted(file.key for file in plan.manifest.all_files)
    assert decode("key", (tmp_path / "manifest.json").read_bytes()) == plan.manifest


def test_a_plan_that_holds_other_bytes_than_were_decided_is_refused() -> None:
    plan = plan_of(["a"])
    other = msgspec.structs.replace(plan, data=[plan_of(["b"]).data[0]])
    with pytest.raises(ManifestBroken, match=r"holds of .* is not what was decided"):
        decode_plan("key", other.encoded)


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_plan_that_is_packed_is_refused(packing: int) -> None:
    """A few bytes could become any number of them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plan_of(["a"]).encoded)) as ours, zipfile.ZipFile(packed, "w", packing) as archive:
        for name in ours.namelist():
            archive.writestr(name, ours.read(name))
    with pytest.raises(ManifestBroken, match="is packed in it"):
        decode_plan("key", packed.getvalue())


def test_quarantine_has_the_rules_and_the_raw_row() -> None:
    aside = plan_of(["a"], ["b"]).set_aside
    assert aside is not None
    assert aside.select([RECORD_ID, RULES, RAW]).to_pylist() == [{RECORD_ID: "b", RULES: ["rule"], RAW: '{"id": "b"}'}]


def test_ids_are_looked_up_where_cursors_overlap(log: Log, store: Store) -> None:
    commit(log, store, plan_of(["a"], cursor=("2026-01-01", "2026-01-31")))
    commit(log, store, plan_of(["b"], seq=2, cursor=("2026-02-01", "2026-02-28")))
    commit(log, store, plan_of(["c"], seq=3, cursor=None))
    files = [file for commit in log.manifests() for file in commit.all_files]
    known = KnownIds(store)
    ids = {"a", "b", "c", "d"}
    assert known.among(overlapping(files, None), ids) == {"c"}
    assert known.among(overlapping(files, ("2026-02-28", "2026-03-01")), ids) == {"b", "c"}
    assert known.among(overlapping(files, ("2026-01-31", "2026-01-31")), ids) == {"a", "c"}


def test_a_file_that_is_gone_stops_the_lane(log: Log, store: Store) -> None:
    commit(log, store, plan_of(["a"]))
    store.delete(next(iter(store.keys("orders/data/"))))
    with pytest.raises(FileMissing, match="Restore it from a backup"):
        KnownIds(store).among((file for commit in log.manifests() for file in commit.all_files), {"a"})


def test_a_file_that_is_broken_stops_the_lane(log: Log, store: Store) -> None:
    commit(log, store, plan_of(["a"]))
    [key] = store.keys("orders/data/")
    store.delete(key)
    store.create(key, b"PAR1 and no more")
    with pytest.raises(FileMissing, match="cannot be read"):
        KnownIds(store).among((file for commit in log.manifests() for file in commit.all_files), {"a"})


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"header": {}}', b"\xff"])
def test_a_broken_manifest_is_told_by_its_key(log: Log, store: Store, data: bytes) -> None:
    store.create(layout.manifest("orders", "0", 1), data)
    with pytest.raises(ManifestBroken, match=r"000000000001\.json is not a manifest"):
        log.newest()


@pytest.mark.parametrize("data", [b"", b"x" * 100])
def test_a_broken_plan_is_told_by_its_key(log: Log, store: Store, data: bytes) -> None:
    store.create(layout.plan("orders", "0", 1), data)
    with pytest.raises(ManifestBroken, match=r"000000000001\.plan is not a plan"):
        log.plan(1)


def damaged(store: Store, what: str) -> None:
    key = next(iter(store.keys("orders/data/")))
    data = store.read(key) or b""
    if what == "missing":
        store.delete(key)
    elif what == "broken":
        store.delete(key)
        store.create(key, b"PAR1")
    elif what == "stale plan":
        store.create(layout.plan("orders", "0", 1), plan_of(["s"]).encoded)
        store.create("orders/data/0-000000000001-0001.parquet", data)
    elif what == "quarantined":
        store.create("_quarantine/orders/0-000000000009.parquet", data)
    elif what == "changed":
        store.delete(key)
        store.create(key, writer_bytes(["a", "x"]))
    else:
        store.create("orders/data/0-000000000009-0000.parquet", data)


def writer_bytes(ids: list[str]) -> bytes:
    sink = pa.BufferOutputStream()
    pa.parquet.write_table(pa.table({RECORD_ID: ids}), sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("missing", "is missing"),
        ("changed", "sha256 differs"),
        ("broken", "cannot be read as Parquet"),
        ("stranger", "belongs to no commit"),
        ("quarantined", "belongs to no commit"),
        ("stale plan", "belongs to no commit"),
    ],
)
def test_verify_finds_a_damaged_lake(log: Log, store: Store, what: str, said: str) -> None:
    commit(log, store, plan_of(["a", "b"]))
    assert verify(store, "orders").ok
    damaged(store, what)
    found = verify(store, "orders")
    assert not found.ok
    assert any(said in problem for problem in found.problems)


def test_what_an_open_plan_is_writing_is_no_stranger(log: Log, store: Store) -> None:
    commit(log, store, plan_of(["a"]))
    plan = plan_of(["b"], ["c"], seq=2)
    log.decide(plan)
    writer.write(store, plan)
    assert verify(store, "orders").problems == []


def test_verify_finds_a_record_that_stands_twice(log: Log, store: Store) -> None:
    commit(log, store, plan_of(["a"]))
    commit(log, store, plan_of(["a"], seq=2))
    assert any("stand elsewhere too" in problem for problem in verify(store, "orders").problems)


def test_verify_finds_a_gap(log: Log, store: Store) -> None:
    commit(log, store, plan_of(["a"]))
    commit(log, store, plan_of(["b"], seq=3))
    assert any("has no commit 2" in problem for problem in verify(store, "orders").problems)


def test_a_listing_that_leaves_the_first_commit_out_hides_none() -> None:
    """As one may that is made while the first commits are."""

    class Behind(MemoryStore):
        def keys(self, prefix: str) -> Iterator[str]:
            return (key for key in super().keys(prefix) if not key.endswith("000000000001.json"))

    store = Behind()
    for seq in (1, 2):
        commit(Log(store, "orders"), store, plan_of([f"r{seq}"], seq=seq))
    assert [made.header.seq for made in Log(store, "orders").manifests()] == [1, 2]


def test_a_manifest_is_json_that_people_can_read(log: Log, store: Store) -> None:
    commit(log, store, plan_of(["a"]))
    text = store.read(layout.manifest("orders", "0", 1))
    assert text is not None
    assert text.count(b"\n") > 20
    assert msgspec.json.decode(text)["header"]["accounts"]["loaded"] == 1


def test_commits_are_read_from_the_newest_back_and_no_further_than_asked() -> None:
    store = MemoryStore()
    log = Log(store, "orders")
    for seq in range(1, 201):
        commit(log, store, plan_of([f"r{seq}"], seq=seq))
    store.objects[layout.manifest("orders", "0", 1)] = b"broken, and not read"
    newest = log.newest_first()
    assert [next(newest).header.seq for _ in range(3)] == [200, 199, 198]
    newest.close()


def test_a_page_that_cannot_be_unpacked_is_a_problem_of_its_file(log: Log, store: Store) -> None:
    """Arrow raises OSError for it, which is none of its own errors."""
    commit(log, store, plan_of(["a", "b"]))
    key = layout.data_file("orders", "", "0", 1, 0)
    data = store.read(key) or b""
    store.delete(key)
    store.create(key, data[:4] + b"\xff" * 40 + data[44:])
    assert any(f"{key} cannot be read as Parquet" in problem for problem in verify(store, "orders").problems)
