"""Expiry: what is old leaves, by the time of its commit, and the accounts hold from the lake alone."""

from datetime import timedelta

from datastream.lake import layout
from datastream.lake.duplicates import KnownIds
from datastream.lake.live import live
from datastream.lake.log import Log
from datastream.lake.tables import read
from datastream.lake.verify import verify
from tests.upkeep.kept import BEGUN, DAY, Kept

NOW = BEGUN + 30 * DAY


def month_of(kept: Kept) -> None:
    """Commit five rows a day, and set one aside."""
    for day in range(30):
        kept.commit(range(10 * day, 10 * day + 5), range(10 * day + 5, 10 * day + 6))


def test_what_is_older_than_its_retention_leaves_and_the_accounts_hold(everywhere: Kept) -> None:
    month_of(everywhere)
    rewrite = everywhere.expire(NOW, data=10 * DAY, quarantine=5 * DAY)
    assert rewrite is not None
    assert (rewrite.gone.data, rewrite.gone.quarantined) == (20 * 5, 25 * 1)
    assert read(everywhere.store, "orders").num_rows == 10 * 5
    found = verify(everywhere.store, "orders")
    assert (found.problems, found.read, found.loaded, found.quarantined) == ([], 180, 150, 30)
    assert everywhere.expire(NOW, data=10 * DAY, quarantine=5 * DAY) is None


def test_expired_files_are_deleted_after_the_grace(kept: Kept) -> None:
    month_of(kept)
    kept.expire(NOW, data=10 * DAY)
    assert (kept.sweep(NOW).files, len(kept.parquet())) == (0, 60)
    assert (kept.sweep(NOW + DAY).files, len(kept.parquet()), kept.problems) == (20, 40, [])


def test_commits_without_any_row_are_folded_into_a_sum(everywhere: Kept) -> None:
    month_of(everywhere)
    everywhere.expire(NOW, data=10 * DAY, quarantine=10 * DAY, log=20 * DAY)
    assert everywhere.sweep(NOW + DAY).manifests == 10
    assert Log(everywhere.store, "orders").sequences() == list(range(11, 31))
    now = live(everywhere.store, "orders")
    assert (now.accounts.read, now.commit_count, now.set_aside) == (180, 30, {"rule": 30})
    found = verify(everywhere.store, "orders")
    assert (found.problems, found.commits, found.loaded) == ([], 30, 150)


def test_folding_goes_on_from_where_it_was(kept: Kept) -> None:
    month_of(kept)
    for later in (0, 5):
        now = NOW + later * DAY
        kept.expire(now, data=10 * DAY, quarantine=10 * DAY, log=20 * DAY)
        kept.sweep(now + DAY)
    assert Log(kept.store, "orders").sequences() == list(range(16, 31))
    assert (live(kept.store, "orders").accounts.read, kept.problems) == (180, [])


def test_a_commit_whose_quarantine_is_there_is_not_folded(kept: Kept) -> None:
    month_of(kept)
    kept.expire(NOW, data=DAY, log=DAY)
    assert kept.sweep(NOW + DAY).manifests == 0


def test_the_newest_commit_of_a_lane_always_stays(kept: Kept) -> None:
    month_of(kept)
    kept.expire(NOW + 365 * DAY, data=DAY, quarantine=DAY, log=DAY)
    kept.sweep(NOW + 366 * DAY)
    newest = Log(kept.store, "orders").newest()
    assert newest is not None
    assert newest.header.seq == 30
    kept.commit(range(900, 905))
    assert kept.problems == []


def test_what_is_not_announced_yet_is_not_folded(kept: Kept) -> None:
    month_of(kept)
    kept.store.create(layout.announced("orders", "0", 4), b"")
    kept.expire(NOW, data=10 * DAY, quarantine=10 * DAY, log=20 * DAY)
    assert kept.sweep(NOW + DAY).manifests == 4


def test_a_broker_that_comes_later_announces_from_what_is_left(kept: Kept) -> None:
    month_of(kept)
    kept.expire(NOW, data=10 * DAY, quarantine=10 * DAY, log=20 * DAY)
    kept.sweep(NOW + DAY)
    marks = layout.sequences(kept.store.keys(layout.announced_folder("orders", "0")), "announced")
    assert marks == [10]


def test_a_manifest_that_a_sleeper_makes_again_counts_nothing(kept: Kept) -> None:
    month_of(kept)
    kept.expire(NOW, data=10 * DAY, quarantine=10 * DAY, log=20 * DAY)
    kept.sweep(NOW + DAY)
    Log(kept.store, "orders").commit(kept.made[9])
    assert (live(kept.store, "orders").accounts.read, kept.problems) == (180, [])
    assert kept.sweep(NOW + DAY).manifests == 1


def test_compaction_lets_a_file_leave_at_most_a_tenth_of_its_retention_late(kept: Kept) -> None:
    """Else a small stream would be one file that is never old."""
    month_of(kept)
    kept.compact(now=NOW, data=10 * DAY)
    assert [len(held.commits) for held in live(kept.store, "orders").data] == [1] * 30
    kept.compact(now=NOW, data=100 * DAY)
    spans = [held.decided[1] - held.decided[0] for held in live(kept.store, "orders").data]
    assert (max(spans), len(spans) < 6) == (timedelta(days=9), True)


def test_an_id_that_expired_is_known_no_more(kept: Kept) -> None:
    month_of(kept)
    known = KnownIds(kept.store, "orders")
    kept.expire(NOW, data=10 * DAY)
    kept.sweep(NOW + DAY)
    files = [file for commit in kept.made for file in commit.files]
    assert known.among(files, {"r1", "r291"}) == {"r291"}
