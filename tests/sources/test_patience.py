"""How an API that fails is treated: asked again when that may help, and left alone when it does not."""

from collections.abc import Callable

import pytest

from datastream.clock import ManualClock
from datastream.connections import ApiConfig
from datastream.resilience import BreakerOpen, MemoryStates
from datastream.sources.client import open_api
from datastream.sources.judge import ApiBusy, ApiRefused
from datastream.sources.request import Request
from tests.fake_api import LOCAL, FakeApi

RETRIED = (408, 425, 429, 500, 502, 503, 504, 520, 524, 529, 598)
REFUSED = (400, 401, 403, 404, 405, 409, 410, 413, 418, 422, 451, 499, 501, 505, 511)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def states() -> MemoryStates:
    return MemoryStates()


@pytest.fixture
def ask(api: FakeApi, clock: ManualClock, states: MemoryStates) -> Callable[[], bytes]:
    def ask() -> bytes:
        with open_api(ApiConfig(base_url=api.url, private_networks=LOCAL), clock, states) as client:
            return client.dependency.call(lambda: client.ask(Request(f"{client.base_url}/numbered")).answer.body)

    return ask


@pytest.mark.parametrize("status", RETRIED)
def test_an_answer_that_may_change_is_asked_for_three_times(
    api: FakeApi, ask: Callable[[], bytes], status: int
) -> None:
    api.fault = lambda _: (status, {}, b"")
    with pytest.raises(ApiBusy):
        ask()
    assert len(api.asked) == 3


@pytest.mark.parametrize("status", REFUSED)
def test_a_refusal_is_final_and_no_sign_of_illness(
    api: FakeApi, ask: Callable[[], bytes], states: MemoryStates, status: int
) -> None:
    api.fault = lambda _: (status, {}, b"")
    for _ in range(5):
        with pytest.raises(ApiRefused):
            ask()
    assert len(api.asked) == 5
    assert states.all() == {}


def test_an_api_that_keeps_failing_is_left_alone_by_whoever_shares_its_states(
    api: FakeApi, ask: Callable[[], bytes], states: MemoryStates, clock: ManualClock
) -> None:
    api.fault = lambda _: (503, {}, b"")
    for _ in range(3):
        with pytest.raises(ApiBusy):
            ask()
    with pytest.raises(BreakerOpen, match=r"api:127\.0\.0\.1:\d+ is left alone until .* answered 503"):
        ask()
    assert len(api.asked) == 9
    api.fault = None
    clock.advance(next(iter(states.all().values())).until - clock.now())  # type: ignore[operator]
    assert b"data" in ask()
