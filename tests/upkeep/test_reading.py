"""Reading a lake that is kept up: as one table, by SQL, today or as it was."""

import threading
from datetime import timedelta

import pyarrow as pa
import pytest

from datastream.lake import reader
from datastream.lake.past import MomentUnknown
from datastream.lake.sql import query
from datastream.lake.tables import ColumnUnknown, NothingToRead, TypesDiffer, read
from tests.upkeep.kept import BEGUN, DAY, Kept


def ids(kept: Kept, as_of) -> list[int]:
    return read(kept.store, "orders", as_of=as_of, columns=["id"])["id"].to_pylist()


def counted(kept: Kept, as_of, table: str = "orders") -> int:
    return query(kept.store, f"select count(*) from {table}", as_of)[1][0][0]


def two_lanes(kept: Kept) -> None:
    """Commit on lane 0 at midnight and on lane 1 at noon, three days long."""
    for day in range(3):
        kept.commit(range(10 * day, 10 * day + 2), range(10 * day + 2, 10 * day + 3), at=BEGUN + day * DAY)
        start = 100 + 10 * day
        kept.commit(range(start, start + 2), lane="1", at=BEGUN + (day + 0.5) * DAY)


@pytest.mark.parametrize("compacted", [False, True])
def test_a_moment_is_how_far_each_lane_had_come(everywhere: Kept, *, compacted: bool) -> None:
    two_lanes(everywhere)
    if compacted:
        everywhere.compact()
        everywhere.sweep()
    moments = {
        BEGUN + DAY: [0, 1, 10, 11, 100, 101],
        "2026-01-02": [0, 1, 10, 11, 100, 101],
        "2026-01-02T11:59:59Z": [0, 1, 10, 11, 100, 101],
        "0-000000000002": [0, 1, 10, 11, 100, 101],
        "orders/1-000000000001": [0, 1, 100, 101],
        "2025-12-31": [],
    }
    for moment, expected in moments.items():
        assert sorted(ids(everywhere, moment)) == expected, moment
        assert counted(everywhere, moment) == len(expected), moment
    assert counted(everywhere, "0-000000000002", "orders_quarantine") == 2
    assert len(ids(everywhere, None)) == 12


def test_a_commit_stands_for_itself_among_those_of_the_same_moment(kept: Kept) -> None:
    for start in (0, 10, 20):
        kept.commit(range(start, start + 2), at=BEGUN)
    assert ids(kept, "0-000000000002") == [0, 1, 10, 11]


@pytest.mark.parametrize("as_of", ["0-000000000009", "yesterday", "flights/0-000000000001"])
def test_a_moment_that_cannot_be_told_is_a_sentence(kept: Kept, as_of: str) -> None:
    two_lanes(kept)
    with pytest.raises(MomentUnknown, match=r"no commit 0-|neither a time nor a commit"):
        ids(kept, as_of)


def test_the_columns_that_are_asked_for_come_in_that_order(kept: Kept) -> None:
    kept.commit(range(2))
    kept.commit(range(2, 4), colour=pa.array(["red", "blue"]))
    found = read(kept.store, "orders", columns=["colour", "id"])
    assert found.to_pydict() == {"colour": [None, None, "red", "blue"], "id": [0, 1, 2, 3]}
    with pytest.raises(ColumnUnknown, match="'size'"):
        read(kept.store, "orders", columns=["size"])


def test_a_stream_without_rows_is_told(kept: Kept) -> None:
    kept.commit(range(2))
    with pytest.raises(NothingToRead, match=r"no rows of 'flights'. Streams with commits: orders"):
        read(kept.store, "flights")


def test_types_that_no_table_joins_are_told(kept: Kept) -> None:
    kept.commit(range(1), size=pa.array([1]))
    kept.commit(range(1, 2), size=pa.array(["large"]))
    with pytest.raises(TypesDiffer, match="as different types"):
        read(kept.store, "orders")


def test_the_current_view_has_the_newest_version_of_each_key(kept: Kept) -> None:
    """The key is `id`; what tells versions apart here is when they came."""
    kept.commit(range(3), colour=pa.array(["red"] * 3))
    kept.commit(range(1, 2), colour=pa.array(["blue"]))
    found = query(kept.store, "select id, colour from orders_current order by id")[1]
    assert found == [(0, "red"), (1, "blue"), (2, "red")]
    with reader.connect(kept.store, "0-000000000001") as connection:
        assert connection.sql("select colour from orders_current where id = 1").fetchall() == [("red",)]


def test_a_count_never_changes_while_files_are_put_together(kept: Kept) -> None:
    """R33: SQL and `read` in a loop, while compaction and sweep run."""
    for start in range(0, 300, 10):
        kept.commit(range(start, start + 10))
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.append(counted(kept, None))
            seen.append(read(kept.store, "orders").num_rows)

    looking = threading.Thread(target=look)
    looking.start()
    for start in range(300, 310):  # what is committed meanwhile is read from then on
        kept.compact()
        kept.sweep(policy=None, now=BEGUN + 366 * DAY - timedelta(seconds=1))
        kept.commit(range(start, start + 1))
    done.set()
    looking.join()
    assert (min(seen), seen == sorted(seen), len(seen) > 4) == (300, True, True), "a count fell, or a scan failed"
