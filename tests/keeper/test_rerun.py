"""Which crashed runs are run again: a bounded number of times, and only where no other run takes their place."""

from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.keeper.rerun import Again, attempt_of, due, is_ours, key_of, tags_of

NOW = datetime(2027, 1, 1, tzinfo=UTC)
AGAIN = Again()
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def run(name: str, state: str = "CRASHED", at: timedelta = -MINUTE, **more: Any) -> dict[str, Any]:
    started = (NOW + at).isoformat()
    ended = None if state in ("SCHEDULED", "PENDING", "RUNNING") else (NOW + at + SECOND).isoformat()
    times = {"expected_start_time": started, "start_time": started if state != "SCHEDULED" else None}
    times |= {"end_time": ended}
    parameters = {"parameters": {"stream": "orders"}, "tags": [], "idempotency_key": None}
    return {"id": name, "state_type": state, **times, **parameters, **more}


def test_a_crashed_run_is_run_again_at_once() -> None:
    assert due(run("dead"), [run("dead"), run("before", "COMPLETED", -2 * MINUTE)], NOW, AGAIN) == NOW


def test_each_further_attempt_waits_longer_and_the_fourth_is_not_made() -> None:
    waits = []
    dead = run("dead", tags=["mine"])
    for _ in range(4):
        at = due(dead, [], NOW, AGAIN)
        waits.append(None if at is None else at - NOW)
        dead = run("dead", tags=tags_of(dead, attempt_of(dead, []) + 1))
    assert waits == [timedelta(), timedelta(seconds=30), timedelta(minutes=2), None]
    assert dead["tags"] == ["mine", "rerun:4"]


def test_what_crashes_each_time_is_left_to_its_schedule() -> None:
    """Each run of the schedule would begin to count anew: 48 crashes an hour."""
    crashed = [run(str(ago), at=-ago * MINUTE) for ago in range(2, 5)]
    between = run("by hand", "CANCELLED", -2.5 * MINUTE)
    assert due(run("dead"), [*crashed, between], NOW, AGAIN) is None
    assert due(run("dead"), [*crashed, run("well", "COMPLETED", -1.5 * MINUTE)], NOW, AGAIN) == NOW


def test_runs_that_died_side_by_side_with_their_worker_are_not_crashes_in_a_row() -> None:
    """One for each lane of a stream."""
    beside = [run(str(lane), at=-MINUTE - lane * SECOND / 10) for lane in range(1, 4)]
    assert due(run("dead"), beside, NOW, AGAIN) == NOW


def test_another_projects_flow_of_the_same_name_is_not_ours_to_repeat() -> None:
    assert is_ours("lake-maintenance", "flows.lake_maintenance.lake_maintenance")
    for theirs in ("flows/backfill.py:backfill", "jobs.backfill.backfill", None):
        assert not is_ours("backfill", theirs)


def test_a_newer_run_or_one_that_is_due_within_seconds_takes_its_place() -> None:
    dead = run("dead")
    for other in (
        run("newer", "COMPLETED", -MINUTE / 2),
        run("soon", "SCHEDULED", timedelta(seconds=20)),
        run("beside", "RUNNING", -2 * MINUTE),
        run("taken", "PENDING", -2 * MINUTE),
    ):
        assert due(dead, [other], NOW, AGAIN) is None, other["id"]


def test_what_is_due_in_minutes_was_cancelled_or_does_something_else_does_not() -> None:
    dead = run("dead")
    others = [
        run("later", "SCHEDULED", 4 * MINUTE),
        run("cancelled", "CANCELLED", -MINUTE / 2),
        run("other", "RUNNING", parameters={"stream": "flights"}),
    ]
    assert due(dead, others, NOW, AGAIN) == NOW


def test_what_repeats_it_is_made_once_also_when_it_waits_for_its_time() -> None:
    dead = run("dead", tags=["rerun:2"])
    assert due(dead, [run("again", "SCHEDULED", 2 * MINUTE, idempotency_key=key_of(dead))], NOW, AGAIN) is None
