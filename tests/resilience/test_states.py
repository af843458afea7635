"""Where states are kept, one of two workers is faster; and Redis may go and come."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import redis

from datastream.buffers.breakers import KEY, SharedStates, breaker_states
from datastream.clock import ManualClock
from datastream.resilience import BreakerState, BreakerStates

Sharing = Callable[[], SharedStates]
NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
FAILED = BreakerState(failures=5, error='it said "no"\n\N{SNOWMAN}', since=NOW, until=NOW + timedelta(seconds=60))


def test_a_state_comes_back_as_it_went(states: BreakerStates) -> None:
    assert states.get("lake") is None
    assert states.swap("lake", None, FAILED)
    assert states.get("lake") == FAILED
    assert states.all() == {"lake": FAILED}


def test_a_swap_of_what_is_not_there_any_more_changes_nothing(states: BreakerStates) -> None:
    states.swap("lake", None, FAILED)
    assert not states.swap("lake", None, BreakerState())
    assert not states.swap("lake", BreakerState(failures=5), None)
    assert states.get("lake") == FAILED


def test_what_is_well_again_is_forgotten(states: BreakerStates) -> None:
    states.swap("lake", None, FAILED)
    states.swap("api", None, FAILED)
    assert states.swap("lake", FAILED, None)
    assert states.all() == {"api": FAILED}


def test_of_many_swaps_one_wins(states: BreakerStates) -> None:
    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(lambda n: states.swap("lake", None, BreakerState(failures=n)), range(1, 65)))
    assert won.count(True) == 1
    assert states.get("lake") == BreakerState(failures=won.index(True) + 1)


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        (BreakerState(failures=4), "closed"),
        (FAILED, "open"),
        (BreakerState(failures=5, since=NOW, until=NOW), "half-open"),
    ],
)
def test_a_state_tells_its_stage(state: BreakerState, stage: str) -> None:
    assert state.stage(NOW) == stage


def test_workers_see_each_others_states(sharing: Sharing) -> None:
    first, second = sharing(), sharing()
    first.swap("lake", None, FAILED)
    assert second.get("lake") == FAILED


def test_states_expire_by_themselves(sharing: Sharing, redis_url: str) -> None:
    sharing().swap("lake", None, FAILED)
    with redis.Redis.from_url(redis_url) as client:
        assert 86_000 < client.ttl(KEY) <= 86_400


def test_a_redis_that_comes_back_is_asked_again_after_a_while(sharing: Sharing, clock: ManualClock) -> None:
    states = sharing()
    reached = states._client.connection_pool.connection_kwargs
    port, reached["port"] = reached["port"], 9
    assert states.swap("lake", None, FAILED)
    reached["port"] = port
    states._client.connection_pool.reset()
    clock.advance(timedelta(seconds=29))
    assert states.get("lake") == FAILED
    clock.advance(timedelta(seconds=1))
    assert states.get("lake") is None


def test_a_state_that_another_version_wrote_stops_nobody(sharing: Sharing, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.hset(KEY, "lake", b'{"failures": "many"}')
    assert sharing().get("lake") is None


def test_without_a_buffer_states_are_the_process_own() -> None:
    with breaker_states(None) as states:
        assert states.swap("lake", None, FAILED)
        assert states.get("lake") == FAILED
