"""Workers share tokens through Redis: one renews for all, whoever dies; and what lies there is of no use to others."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from datastream.auth import TokenRefused, TokensAway, TokenUnanswered
from datastream.buffers.connection import connect
from datastream.buffers.tokens import SharedTokens, TurnPolicy, token_store
from datastream.clock import Clock, ManualClock
from datastream.connections import ApiConfig, BufferConfig
from datastream.intake.api import api_intake
from datastream.quality import load_suite
from datastream.sources.client import ApiClient, open_api
from datastream.sources.request import Request
from datastream.trial import trial
from deployments.stack.waiting import wait_until
from tests.auth.login import SECRET, Login
from tests.conftest import orders, stream_of

SOON = timedelta(seconds=20)
QUICK = TurnPolicy(lasts=timedelta(seconds=1))
AWAY = BufferConfig(url=SecretStr("redis://127.0.0.1:9"))
CHILD = """
import json, sys
from datetime import timedelta
from datastream.buffers.connection import connect
from datastream.buffers.tokens import SharedTokens, TurnPolicy
from datastream.connections import ApiConfig, BufferConfig
from datastream.sources.client import open_api
from datastream.sources.request import Request

redis_url, seconds, auth, base_url = json.loads(sys.argv[1])
with connect(BufferConfig(url=redis_url)) as kept:
    store = SharedTokens(kept, TurnPolicy(lasts=timedelta(seconds=seconds)))
    with open_api(ApiConfig(base_url=base_url, auth=auth, private_networks=["127.0.0.1"]), tokens=store) as client:
        print("asking", flush=True)
        client.ask(Request(f"{base_url}/numbered"))
"""
Worker = Callable[..., ApiClient]
pytestmark = pytest.mark.usefixtures("kept")


@pytest.fixture
def kept(valkey_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_url) as client:
        yield client
        for key in client.keys("datastream:token:*"):
            assert client.pttl(key) > 0, f"{key} never ends"
            client.delete(key)


@pytest.fixture
def worker(valkey_url: str) -> Iterator[Worker]:
    """Make clients as workers have them: each with a connection of its own to the same Redis."""
    with ExitStack() as opened:

        def make(config: ApiConfig, clock: Clock | None = None, policy: TurnPolicy | None = None) -> ApiClient:
            own = opened.enter_context(connect(BufferConfig(url=SecretStr(valkey_url))))
            return opened.enter_context(open_api(config, clock, tokens=SharedTokens(own, policy)))

        yield make


def ask(client: ApiClient) -> int:
    return client.ask(Request(f"{client.base_url}/numbered")).answer.status


@contextmanager
def child(login: Login, valkey_url: str, seconds: float = 30) -> Iterator[subprocess.Popen[str]]:
    """Start a worker in a process of its own; it is killed at the end if it is still there."""
    auth = login.client_credentials().model_dump() | {"client_secret": SECRET}
    arguments = json.dumps([valkey_url, seconds, auth, login.url])
    with subprocess.Popen([sys.executable, "-c", CHILD, arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_workers_at_the_same_time_ask_once(login: Login, worker: Worker) -> None:
    config = login.config(login.client_credentials())
    workers = [worker(config) for _ in range(8)]
    login.gate.clear()
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(ask, each) for each in workers]
        assert wait_until(lambda: bool(login.asked), SOON)
        login.gate.set()
        assert [each.result() for each in asked] == [200] * 8
    assert len(login.asked) == 1


def test_processes_at_the_same_time_ask_once(login: Login, valkey_url: str) -> None:
    login.gate.clear()
    with child(login, valkey_url) as one, child(login, valkey_url) as other:
        assert [each.stdout.readline() for each in (one, other)] == ["asking\n"] * 2
        login.gate.set()
        assert [each.wait(20) for each in (one, other)] == [0, 0]
    assert len(login.asked) == 1


def test_a_worker_that_died_while_it_renewed_is_waited_for_no_longer_than_its_turn(
    login: Login, valkey_url: str, worker: Worker, kept: redis.Redis
) -> None:
    login.gate.clear()
    with child(login, valkey_url, seconds=1):
        assert wait_until(lambda: bool(login.asked), SOON)
    assert kept.keys("datastream:token:*:turn"), "it had not taken its turn"
    login.gate.set()
    started = time.monotonic()
    assert ask(worker(login.config(login.client_credentials()), policy=QUICK)) == 200
    assert time.monotonic() - started < 5
    assert len(login.asked) == 2


def test_a_worker_that_takes_too_long_is_waited_for_a_bounded_while(login: Login, worker: Worker) -> None:
    config = login.config(login.client_credentials())
    slow, other = worker(config), worker(config, policy=QUICK)
    login.gate.clear()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ask, slow)
        assert wait_until(lambda: bool(login.asked), SOON)
        with pytest.raises(TokenUnanswered, match=r"have been renewing a token for 1\.2 s"):
            ask(other)
        login.gate.set()
        assert asked.result() == 200
    assert ask(other) == 200
    assert len(login.asked) == 1


def test_a_refused_token_is_renewed_by_one_worker(login: Login, worker: Worker) -> None:
    config = login.config(login.client_credentials())
    workers = [worker(config) for _ in range(3)]
    assert [ask(each) for each in workers] == [200] * 3
    login.valid = set()
    assert [ask(each) for each in workers] == [200] * 3
    assert login.given == 2
    assert len(login.sent) == 3 + 2 * 3, "each worker learned of it by a 401, and asked once more"


def test_a_token_that_ends_is_renewed_by_one_worker(login: Login, worker: Worker, clock: ManualClock) -> None:
    config = login.config(login.client_credentials())
    workers = [worker(config, clock) for _ in range(3)]
    for _ in range(2):
        assert [ask(each) for each in workers] == [200] * 3
        clock.advance(timedelta(hours=1))
    assert login.given == 2


def test_what_replaces_a_refresh_token_is_known_to_all_workers(
    login: Login, worker: Worker, clock: ManualClock
) -> None:
    login.rotates = True
    config = login.config(login.refresh_token())
    first, second = worker(config, clock), worker(config, clock)
    for each in (first, second, first):
        assert ask(each) == 200
        clock.advance(timedelta(hours=1))
    assert ask(worker(config, clock)) == 200, "a run of the next day knows only the block, and Redis"
    assert [form["refresh_token"] for form in login.asked] == [f"r3fresh-{n}" for n in range(4)]


def test_another_secret_is_another_token(login: Login, worker: Worker) -> None:
    ask(worker(login.config(login.client_credentials())))
    ask(worker(login.config(login.client_credentials(client_secret="changed"))))  # noqa: S106 - it is none
    ask(worker(login.config(login.client_credentials(scope="more"))))
    assert login.given == 3


def test_redis_holds_nothing_that_can_be_used(login: Login, worker: Worker, kept: redis.Redis) -> None:
    login.rotates = True
    ask(worker(login.config(login.client_credentials())))
    ask(worker(login.config(login.refresh_token())))
    names = kept.keys("datastream:token:*")
    assert len(names) == 2
    for text in [*names, *(kept.get(name) for name in names)]:
        assert not [secret for secret in (SECRET, "acc3ss", "r3fresh") if secret.encode() in text]


def test_a_token_lies_there_as_long_as_it_is_of_use(login: Login, worker: Worker, kept: redis.Redis) -> None:
    ask(worker(login.config(login.client_credentials())))
    [name] = kept.keys("datastream:token:*")
    assert 3530 < kept.ttl(name) <= 3540
    ask(worker(login.config(login.refresh_token())))
    [other] = {*kept.keys("datastream:token:*")} - {name}
    assert kept.ttl(other) > 300 * 86_400, "its access token ends sooner"


def test_what_somebody_else_has_put_there_is_not_believed(
    login: Login, worker: Worker, kept: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    config = login.config(login.client_credentials())
    ask(worker(config))
    [name] = kept.keys("datastream:token:*")
    kept.set(name, b'{"access": "planted"}', ex=60)
    assert ask(worker(config)) == 200
    assert login.given == 2
    assert "cannot be read, and is asked for anew" in caplog.text


@pytest.mark.parametrize("buffer", [None, AWAY], ids=["none", "away"])
def test_without_redis_each_worker_asks_for_itself(
    login: Login, buffer: BufferConfig | None, caplog: pytest.LogCaptureFixture
) -> None:
    config = login.config(login.client_credentials())
    for _ in range(2):
        with token_store(buffer) as tokens, open_api(config, tokens=tokens) as client, ThreadPoolExecutor(4) as threads:
            assert list(threads.map(lambda _, client=client: ask(client), range(8))) == [200] * 8
    assert login.given == 2
    assert caplog.text.count("asked for by this process alone. Redis") == (0 if buffer is None else 2)


def test_a_refresh_token_is_not_used_while_the_newest_may_lie_in_a_redis_that_is_away(login: Login) -> None:
    with (
        token_store(AWAY) as tokens,
        open_api(login.config(login.refresh_token()), tokens=tokens) as client,
        pytest.raises(TokensAway, match="Is DATASTREAM_REDIS_URL right") as told,
    ):
        ask(client)
    assert told.value.given_up, "the API is not to blame, and its breaker stays closed"
    assert login.asked == []


def test_a_redis_that_goes_while_a_token_is_renewed_loses_nothing_in_this_process(
    login: Login, worker: Worker, kept: redis.Redis, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """What replaced the refresh token cannot be kept; this worker goes on from it, not from the older one in Redis."""
    login.rotates = True
    client = worker(login.config(login.refresh_token()), clock)
    ask(client)
    clock.advance(timedelta(hours=1))
    full = int(kept.info("memory")["used_memory"])
    login.fault = lambda _: kept.config_set("maxmemory", full // 2) and None
    assert ask(client) == 200
    assert "known to this process alone" in caplog.text
    kept.config_set("maxmemory", 0)
    login.fault = None
    clock.advance(timedelta(hours=1))
    assert ask(client) == 200
    assert [form["refresh_token"] for form in login.asked] == ["r3fresh-0", "r3fresh-1", "r3fresh-2"]


def test_without_redis_a_run_does_not_know_what_replaced_its_refresh_token(login: Login) -> None:
    login.rotates = True
    config = login.config(login.refresh_token())
    with open_api(config) as client:
        ask(client)
    with open_api(config) as client, pytest.raises(TokenRefused, match=r"invalid_grant .* log in anew"):
        ask(client)


def test_a_trial_keeps_what_replaces_a_refresh_token(login: Login, valkey_url: str, suites: Path) -> None:
    login.rotates, login.api.records = True, orders(5)
    config, buffer = login.config(login.refresh_token()), BufferConfig(url=SecretStr(valkey_url))
    for _ in range(2):
        login.valid.clear()
        tried = trial(stream_of(), load_suite(suites, "orders"), config, 5, buffer=buffer)
        assert tried is not None
    assert [form["refresh_token"] for form in login.asked] == ["r3fresh-0", "r3fresh-1"]


def test_an_intake_shares_its_tokens_through_the_buffer(login: Login, valkey_url: str) -> None:
    config, buffer = login.config(login.client_credentials()), BufferConfig(url=SecretStr(valkey_url))
    for _ in range(2):
        with api_intake(stream_of(), config, buffer=buffer) as intake:
            ask(intake._client)
    assert login.given == 1
