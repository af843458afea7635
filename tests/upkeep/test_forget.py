"""Forgetting one key: no byte of it is left on the lake, and what comes again is not loaded."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datastream.lake.duplicates import KnownIds
from datastream.lake.live import live
from datastream.lake.log import Log
from datastream.lake.store import Store
from datastream.lake.tables import read
from datastream.lake.upkeep import KeyUnknown, PlanOpen, find
from datastream.lake.upkeep.match import matching_aside
from datastream.records import RAW
from tests.upkeep.kept import BEGUN, LATER, Kept, planned

CANARY = "canary-7c1f"


def found_in(store: Store) -> list[str]:
    """Return the objects that hold the canary: in their bytes, or in what is packed into them."""
    return [key for key in store.keys("") if CANARY.encode() in _unpacked(key, store.read(key) or b"")]


def _unpacked(key: str, data: bytes) -> bytes:
    if key.endswith(".parquet"):
        return data + json.dumps(pq.read_table(io.BytesIO(data)).to_pylist(), default=str).encode()
    if key.endswith(".plan"):
        return data + json.dumps(pa.ipc.open_stream(data).read_all().to_pylist(), default=str).encode()
    return data


def with_canaries(kept: Kept) -> None:
    for start in range(0, 40, 10):
        email = pa.array([CANARY if n % 10 in (3, 8) else f"mail {n}" for n in range(start, start + 9)])
        kept.commit(range(start, start + 7), range(start + 7, start + 9), email=email)


def test_no_byte_of_it_is_left_in_data_quarantine_or_log(everywhere: Kept) -> None:
    with_canaries(everywhere)
    everywhere.compact()
    assert len(found_in(everywhere.store)) == 4 + 4 + 1, "replaced files, quarantine, and the one that replaces"
    rewrite = everywhere.forget(email=CANARY)
    assert rewrite is not None
    assert (rewrite.gone.data, rewrite.gone.quarantined, len(rewrite.forgotten)) == (4, 4, 8)
    assert found_in(everywhere.store) == []
    assert (read(everywhere.store, "orders").num_rows, everywhere.problems) == (24, [])
    assert everywhere.forget(email=CANARY) is None


def test_what_has_expired_and_waits_for_its_readers_is_forgotten_too(kept: Kept) -> None:
    with_canaries(kept)
    kept.expire(LATER, data=LATER - BEGUN - (LATER - BEGUN) / 2, quarantine=LATER - BEGUN)
    assert len(found_in(kept.store)) == 8
    kept.forget(email=CANARY)
    assert (found_in(kept.store), kept.problems) == ([], [])


def test_what_dead_attempts_left_is_forgotten_too(kept: Kept) -> None:
    with_canaries(kept)
    kept.store.create("orders/compact/000000000001-0badc0de-0000.parquet", CANARY.encode())
    kept.forget(email=CANARY)
    assert found_in(kept.store) == []


def test_the_other_rows_of_a_file_stay_as_they_are(kept: Kept) -> None:
    with_canaries(kept)
    before = read(kept.store, "orders").to_pylist()
    kept.forget(email=CANARY)
    assert read(kept.store, "orders").to_pylist() == [row for row in before if row["email"] != CANARY]


def test_a_key_of_two_columns_is_one_row(kept: Kept) -> None:
    with_canaries(kept)
    rewrite = kept.forget(id="13", email=CANARY)
    assert rewrite is not None
    assert (rewrite.gone.data, rewrite.gone.quarantined) == (1, 0)
    assert kept.forget(id="13", email="mail 13") is None


def test_what_comes_again_is_known(kept: Kept) -> None:
    with_canaries(kept)
    known = KnownIds(kept.store, "orders")
    assert known.forgotten == frozenset()
    kept.forget(email=CANARY)
    files = [file for commit in kept.made for file in commit.files]
    assert known.among(files, {"r3", "r4", "r99"}) == {"r3", "r4"}, "its files are gone since it looked"
    assert "r3" in known.forgotten


def test_while_a_claim_is_decided_and_not_committed_it_is_refused(kept: Kept) -> None:
    with_canaries(kept)
    log = Log(kept.store, "orders")
    log.decide(planned(range(90, 92), range(0), 5, "0", BEGUN, "", {}))
    with pytest.raises(PlanOpen, match=r"python -m flows\.etl_pipeline orders"):
        kept.forget(email=CANARY)


def test_a_plan_that_is_left_over_is_forgotten(kept: Kept) -> None:
    with_canaries(kept)
    email = pa.array([CANARY] * 2)
    plan = planned(range(30, 32), range(0), 4, "0", BEGUN, "", {"email": email})
    kept.store.create("_plans/orders/0/000000000004.plan", plan.encoded)
    kept.forget(email=CANARY)
    assert found_in(kept.store) == []


def test_a_column_that_is_nowhere_is_told_with_those_there_are(kept: Kept) -> None:
    with_canaries(kept)
    with pytest.raises(KeyUnknown, match=r"column 'mail'.*there are email, id, name"):
        find(kept.store, "orders", {"mail": CANARY})


@pytest.mark.parametrize(
    ("raw", "there"),
    [
        ('{"id": 5}', True),
        ('{"id": 5.0}', True),
        ('{"id": "5"}', True),
        ('{"id": 55}', False),
        ('{"id": null}', False),
        ('{"id": [5]}', False),
        ('{"id": true}', False),
        ('{"other": 5}', False),
        ('{"id": 5, "cut off', True),
        ('{"id": 55, "cut off', False),
        ("5", False),
        ('[{"id": 5}]', True),
        (None, False),
    ],
)
def test_a_row_is_found_within_what_was_received(raw: str | None, *, there: bool) -> None:
    assert matching_aside(pa.table({RAW: pa.array([raw], pa.string())}), {"id": "5"}).to_pylist() == [there]


def test_the_log_says_what_was_done_and_not_to_whom(kept: Kept) -> None:
    with_canaries(kept)
    kept.forget(email=CANARY)
    [rewrite] = live(kept.store, "orders").rewrites
    assert rewrite.kind == "forget"
    assert CANARY not in str(rewrite)
