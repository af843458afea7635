"""A run that is stopped ends soon, however long an API makes it wait."""

from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

from datastream.clock import ManualClock, SystemClock
from datastream.connections import ApiConfig
from datastream.intake.api import api_intake
from datastream.lane import open_lane
from datastream.pipeline import claims
from datastream.quality import load_suite
from datastream.resilience import MemoryStates
from datastream.resilience.stopping import StoppableClock, Stopped
from tests.conftest import World, orders, stream_of
from tests.fake_api import LOCAL

SOON = 10


def stopped_after_one_claim(world: World, **connection: Any) -> MemoryStates:
    """Take one claim, and stop while the next one is waited for; return what the breakers know then."""
    config, states = ApiConfig(base_url=world.api.url, private_networks=LOCAL, **connection), MemoryStates()
    suite, stream = load_suite(world.suites, "orders"), stream_of(batch={"size": 100, "per_commit": 1})
    with (
        api_intake(stream, config, SystemClock(), states) as intake,
        open_lane(stream, suite, world.store, intake, run="run") as lane,
    ):
        coming = claims(lane)
        assert len(next(coming)) == 100
        began = monotonic()
        coming.close()
    assert monotonic() - began < SOON
    return states


def test_who_waits_for_the_budget_of_an_api_is_woken(world: World) -> None:
    world.api.records = orders(300)
    stopped_after_one_claim(world, budget={"requests": 2, "per": "PT1M"}, connections=1)
    assert len(world.api.asked) == 2


def test_who_waits_as_long_as_an_api_asks_for_is_woken_and_holds_it_against_nobody(world: World) -> None:
    world.api.records = orders(300)
    world.api.fault = lambda target: (503, {"Retry-After": "60"}, b"") if "page=3" in target else None
    assert stopped_after_one_claim(world, connections=1).all() == {}


def test_nobody_is_woken_before_and_the_sleep_is_as_long_as_was_asked_for() -> None:
    manual = ManualClock()
    StoppableClock(manual).sleep(timedelta(seconds=61.25))
    assert manual.monotonic() == 61.25


def test_who_begins_to_wait_after_the_stop_does_not_wait_at_all() -> None:
    manual = ManualClock()
    clock = StoppableClock(manual)
    clock.stopped = lambda: True
    with pytest.raises(Stopped):
        clock.sleep(timedelta(minutes=2))
    assert manual.slept == []
