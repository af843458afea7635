"""Who is dead: told by the connection that the kernel closes, or by three heartbeats that did not come."""

from datetime import UTC, datetime, timedelta
from typing import Any

from datastream.buffers.presence import Ending, Sight
from deployments.keeper.zombies import Patience, Seen, judged

NOW = datetime(2027, 1, 1, tzinfo=UTC)
LONG = timedelta(hours=1)
PATIENCE = Patience()


def judge(state: str = "RUNNING", watched: timedelta = LONG, **seen: Any) -> Ending | None:
    return judged(Seen(state, NOW - seen.pop("ago", LONG), **seen), NOW, watched, PATIENCE)


def gone(**ending: str) -> Sight:
    return Sight(connected=False, ending=Ending(**ending))


def test_a_run_whose_connection_stands_lives_however_long_it_has_been_silent() -> None:
    assert judge(sight=Sight(connected=True, ending=Ending()), beats=(NOW - LONG,)) is None


def test_a_run_whose_connection_closed_is_dead_after_the_worker_had_time_to_say_so_itself() -> None:
    assert judge(sight=gone(), gone_for=PATIENCE.gone - timedelta(seconds=1)) is None
    crashed = judge(sight=gone(), gone_for=PATIENCE.gone)
    assert crashed is not None
    assert (crashed.type, "process of this run is gone" in crashed.message) == ("CRASHED", True)


def test_a_run_that_left_word_of_its_end_is_what_it_said() -> None:
    for state in ("RUNNING", "CRASHED"):
        ended = judge(state, sight=gone(type="COMPLETED", name="Yielded", message="Busy."), gone_for=LONG)
        assert ended is not None
        assert (ended.type, ended.name) == ("COMPLETED", "Yielded")
        assert ended.message == "Busy. (The server was away when this run ended, and was told later.)"


def test_a_crashed_run_without_a_word_stays_crashed() -> None:
    assert judge("CRASHED", sight=gone(), gone_for=LONG) is None


def test_without_a_connection_three_heartbeats_of_its_own_have_to_be_missed() -> None:
    for between in (30, 60):
        for silent in (3 * between - 1, 3 * between):
            last = NOW - timedelta(seconds=silent)
            dead = judge(beats=(last, last - timedelta(seconds=between)))
            assert (dead is not None) == (silent == 3 * between)
    assert dead is not None
    assert dead.message == "Nothing was heard of this run for 180 s, which is three heartbeats."


def test_a_run_that_sent_one_heartbeat_may_send_them_as_seldom_as_prefect_does_by_itself() -> None:
    """By hand, with no more set than the server's address: every 3 min."""
    assert judge(beats=(NOW - timedelta(seconds=539),)) is None
    assert judge(beats=(NOW - timedelta(seconds=540),)) is not None


def test_silence_does_not_count_while_nobody_could_have_heard() -> None:
    """The server was away until a minute ago: heartbeats of that time never came anywhere."""
    assert judge(beats=(NOW - LONG,), watched=timedelta(minutes=1)) is None


def test_a_run_that_never_sent_a_heartbeat_is_not_judged_by_it() -> None:
    assert judge() is None


def test_a_run_that_no_worker_began_is_crashed_unless_it_may_wait_for_a_container() -> None:
    late = {"state": "PENDING", "ago": PATIENCE.pending}
    assert judge("PENDING", ago=PATIENCE.pending - timedelta(seconds=1)) is None
    assert judge(**late, starts_at_once=False) is None
    assert judge(**late, watched=timedelta(seconds=10)) is None
    crashed = judge(**late)
    assert crashed is not None
    assert crashed.message == "A worker took this run 80 s ago, and it never began."


def test_within_ninety_seconds_of_its_death_a_run_is_crashed_whatever_it_was_doing() -> None:
    look = timedelta(seconds=5)
    assert max(PATIENCE.settled + PATIENCE.gone, PATIENCE.pending) + 2 * look <= timedelta(seconds=90)
