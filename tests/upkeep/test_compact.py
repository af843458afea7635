"""Compaction: few large files in the place of many small ones, and every row once, whoever reads when."""

from datetime import timedelta

import pytest

from datastream.catalog import Compact
from datastream.lake import layout
from datastream.lake.live import live
from datastream.lake.parquet import FileBroken, opened, schema
from datastream.lake.reader import query
from datastream.lake.rewrite import Whereabouts, create
from datastream.lake.tables import read
from datastream.lake.upkeep.attempt import Attempt
from tests.upkeep.kept import BEGUN, DAY, LATER, Kept


def rows(kept: Kept) -> list[int]:
    return read(kept.store, "orders")["id"].to_pylist()


def test_small_files_become_one_and_no_row_is_lost_or_doubled(everywhere: Kept) -> None:
    for start in range(0, 50, 10):
        everywhere.commit(range(start, start + 10), range(100 + start, 102 + start))
    [rewrite] = everywhere.compact()
    assert (rewrite.kind, rewrite.moved, len(live(everywhere.store, "orders").data)) == ("compact", 50, 1)
    assert rows(everywhere) == list(range(50))
    assert query(everywhere.store, "select count(*), count(distinct _commit) from orders")[1] == [(50, 5)]
    assert everywhere.problems == []


def test_the_footer_names_the_rewrite_and_its_run(kept: Kept) -> None:
    for start in range(0, 50, 10):
        kept.commit(range(start, start + 10))
    [made] = kept.compact()
    [held] = live(kept.store, "orders").data
    footer = opened(kept.store, "", held.file, schema).metadata
    assert (footer[b"datastream.stream"], footer[b"datastream.rewrite"]) == (b"orders", str(made.seq).encode())
    assert footer[b"datastream.run"] == made.run.encode()


def test_there_is_nothing_to_do_a_second_time(kept: Kept) -> None:
    for start in range(0, 50, 10):
        kept.commit(range(start, start + 10))
    assert (len(kept.compact()), kept.compact()) == (1, [])


def test_rows_lie_in_the_order_of_their_commits(kept: Kept) -> None:
    for start in (30, 0, 20, 10):
        kept.commit(range(start, start + 3))
    kept.compact()
    assert rows(kept) == [30, 31, 32, 0, 1, 2, 20, 21, 22, 10, 11, 12]


def test_a_file_has_at_most_the_target_rows(kept: Kept) -> None:
    for start in range(0, 50, 10):
        kept.commit(range(start, start + 10))
    kept.compact(Compact(after=timedelta(), target_rows=20))
    assert [held.file.rows for held in live(kept.store, "orders").data] == [20, 20, 10]
    assert (rows(kept), kept.compact(Compact(after=timedelta(), target_rows=20))) == (list(range(50)), [])


def test_a_file_ends_when_it_is_as_large_as_the_target(kept: Kept) -> None:
    for start in range(0, 5000, 500):
        kept.commit(range(start, start + 500))
    policy = Compact(after=timedelta(), target_bytes=20_000)
    kept.compact(policy)
    sizes = [held.file.bytes for held in live(kept.store, "orders").data]
    assert 1 < len(sizes) < 10
    assert all(20_000 <= size < 60_000 for size in sizes[:-1])
    assert (rows(kept), kept.compact(policy)) == (list(range(5000)), [])


def test_a_partition_is_left_alone_until_its_late_window_is_over(kept: Kept) -> None:
    for start in (0, 10):
        kept.commit(range(start, start + 5), partition="at_day=2026-01-01")
    policy = Compact(after=timedelta(hours=6))
    assert kept.compact(policy, BEGUN + timedelta(hours=29)) == []
    [rewrite] = kept.compact(policy, BEGUN + timedelta(hours=30))
    assert layout.partition_of(rewrite.swaps[0].adds[0].key) == "at_day=2026-01-01"


@pytest.mark.parametrize(
    ("partition", "end"),
    [
        ("at_hour=2026-01-01T23", BEGUN + DAY),
        ("at_month=2026-01", BEGUN + 31 * DAY),
        ("at_month=2026-12", BEGUN + 365 * DAY),
        ("at_year=2026", BEGUN + 365 * DAY),
        ("at_day=__HIVE_DEFAULT_PARTITION__", BEGUN + DAY),
        ("at_year=9999", BEGUN + DAY),
    ],
)
def test_each_grain_has_its_end(kept: Kept, partition: str, end) -> None:
    """What has no time, or none that ends, goes by the time of its commits."""
    for start in (0, 10):
        kept.commit(range(start, start + 5), partition=partition)
    policy = Compact(after=timedelta())
    assert kept.compact(policy, end - timedelta(seconds=1)) == []
    assert len(kept.compact(policy, end)) == 1


def test_partitions_stay_apart_and_lanes_come_together(kept: Kept) -> None:
    for lane in ("0", "1"):
        for day in (1, 2):
            start = 10 * day + 100 * int(lane)
            kept.commit(range(start, start + 5), lane=lane, partition=f"at_day=2026-01-0{day}")
    kept.compact()
    found = {layout.partition_of(held.key): held.commits for held in live(kept.store, "orders").data}
    assert found == {
        "at_day=2026-01-01": ("0-000000000001", "1-000000000001"),
        "at_day=2026-01-02": ("0-000000000002", "1-000000000002"),
    }


def test_replaced_files_stay_for_their_readers_and_are_swept_after_the_grace(everywhere: Kept) -> None:
    for start in (0, 10):
        everywhere.commit(range(start, start + 5))
    everywhere.compact()
    assert (everywhere.sweep(LATER + timedelta(hours=23)).files, len(everywhere.parquet())) == (0, 3)
    assert (everywhere.sweep(LATER + DAY).files, len(everywhere.parquet())) == (2, 1)
    assert (rows(everywhere), everywhere.problems) == ([*range(5), *range(10, 15)], [])


def test_the_slower_of_two_workers_leaves_nothing_and_starts_again(kept: Kept) -> None:
    """Without a lease: the first rewrite of a number wins."""
    for start in (0, 10):
        kept.commit(range(start, start + 5))
    slow = Attempt(kept.store, live(kept.store, "orders"), "compact", LATER, "slow")
    held = live(kept.store, "orders").data
    slow.write(b"PAR1", 10, held)
    kept.compact()
    assert slow.commit() is None
    assert (rows(kept), kept.problems, kept.sweep(LATER).orphans) == ([*range(5), *range(10, 15)], [], 0)


def test_a_broken_file_is_named_and_nothing_of_the_attempt_is_left(everywhere: Kept) -> None:
    for start in range(0, 50, 10):
        everywhere.commit(range(start, start + 10))
    broken = everywhere.made[-1].files[0].key
    everywhere.store.delete(broken)
    everywhere.store.create(broken, b"PAR1")
    before = everywhere.parquet()
    with pytest.raises(FileBroken, match=f"{broken} of commit 0-000000000005 is broken"):
        everywhere.compact(Compact(after=timedelta(), target_rows=20))
    assert everywhere.parquet() == before


def test_a_rewrite_whose_answer_was_lost_is_known_for_ours(kept: Kept) -> None:
    kept.commit(range(5))
    kept.commit(range(5, 10))
    [rewrite] = kept.compact()
    assert create(kept.store, rewrite)


def test_what_a_dead_attempt_left_is_harmless_and_swept(kept: Kept) -> None:
    kept.commit(range(5))
    kept.commit(range(5, 10))
    dead = Attempt(kept.store, live(kept.store, "orders"), "compact", LATER, "dead")
    dead.write(b"PAR1 and dead", 10, live(kept.store, "orders").data)
    assert kept.problems == []
    assert kept.sweep(LATER).orphans == 1
    assert dead.commit() is None, "its number is taken before its files are deleted"
    assert (rows(kept), kept.problems) == (list(range(10)), [])


def test_what_commits_wrote_is_found_where_it_lies_today(kept: Kept) -> None:
    """As the look for duplicates needs it: through rewrite after rewrite, and only the files asked for."""
    first, second = kept.commit(range(5)), kept.commit(range(5, 10))
    kept.compact()
    third = kept.commit(range(10, 15))
    where = Whereabouts(kept.store, "orders")
    [together] = where.of(first.files)
    assert where.of([*first.files, *second.files, *third.files]) == [together, *third.files]
    kept.compact()
    where.again()
    assert len(where.of([*first.files, *third.files])) == 1
    assert where.of(first.files)[0].cursor == (0, 14)
