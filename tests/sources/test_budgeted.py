"""An API is asked as often as its budget allows, by all workers together, and what it says itself is learned."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic

import pytest
import redis
from pydantic import SecretStr

from datastream.clock import SystemClock
from datastream.connections import ApiConfig, BufferConfig
from datastream.intake.api import api_intake
from datastream.resilience.budget import BudgetSpent
from tests.conftest import World, orders, stream_of
from tests.fake_api import LOCAL, FakeApi, ok, serving
from tests.resilience.moments import most_within

PER = timedelta(milliseconds=400)
NOBODY = lambda: False  # noqa: E731


@pytest.fixture
def buffer(valkey_url: str) -> Iterator[BufferConfig]:
    yield BufferConfig(url=SecretStr(valkey_url))
    with redis.Redis.from_url(valkey_url) as client:
        for key in client.keys("datastream:budget:*"):
            client.delete(key)


def pages_read(config: ApiConfig, buffer: BufferConfig) -> int:
    """Read a stream to its end as one worker does, and return how many records came."""
    stream = stream_of()
    with api_intake(stream, config, SystemClock(), buffer=buffer) as intake:
        return sum(len(claim) for claim in intake.claims({}, {}, NOBODY))


def test_two_workers_together_stay_inside_what_the_block_allows(buffer: BufferConfig) -> None:
    came: list[float] = []
    with serving(FakeApi(records=orders(1000))) as api:
        api.fault = lambda _: came.append(monotonic())  # type: ignore[func-returns-value]
        budget = {"requests": 4, "per": PER}
        config = ApiConfig(base_url=api.url, private_networks=LOCAL, budget=budget)
        with ThreadPoolExecutor(2) as threads:
            read = list(threads.map(lambda _: pages_read(config, buffer), range(2)))
    assert read == [1000, 1000]
    # They arrive when the machine lets them, so half a period is looked at; five periods' worth takes four of them.
    assert (len(came), most_within(PER / 2, came)) == (20, 4)
    assert max(came) - min(came) > 3.5 * PER.total_seconds()


def test_what_the_api_says_of_its_budget_is_kept_by_all_workers(buffer: BufferConfig) -> None:
    """It counts in windows of its own, says how many are left, and refuses whoever asks for more."""
    began, asked, refused = [0.0], [0], []
    with serving(FakeApi(records=orders(1000))) as api:

        def counted(target: str):
            if monotonic() - began[0] > 1:
                began[0], asked[0] = monotonic(), 0
            asked[0] += 1
            left = 5 - asked[0]
            if left < 0:
                refused.append(target)
                return 429, {"Retry-After": "1"}, b""
            page = int(target.split("page=")[1].split("&", maxsplit=1)[0]) if "page=" in target else 1
            rows = api.records[(page - 1) * 100 :][:100]
            headers = {"X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": "1"}
            return 200, headers, ok({"data": rows, "total": 10, "count": 1000})[2]

        api.fault = counted
        config = ApiConfig(base_url=api.url, private_networks=LOCAL, connections=1)
        with ThreadPoolExecutor(2) as threads:
            read = list(threads.map(lambda _: pages_read(config, buffer), range(2)))
    assert read == [1000, 1000]
    assert len(refused) <= 4, "only what was under way when the last answer came"


def test_who_is_told_to_come_back_in_an_hour_ends_and_so_do_others(world: World, buffer: BufferConfig) -> None:
    world.api.fault = lambda _: (429, {"Retry-After": "3600"}, b"")
    config = ApiConfig(base_url=world.api.url, private_networks=LOCAL)
    with pytest.raises(Exception, match="asks to wait 3600 s"):
        pages_read(config, buffer)
    asked = len(world.api.asked)
    with pytest.raises(BudgetSpent, match=r"may not be asked for another 3,[56]\d\d s"):
        pages_read(config, buffer)
    assert len(world.api.asked) == asked, "the second worker did not even ask"
