"""A record that kills whoever looks at it, or holds him for ever, is set aside with the third attempt (R24).

Those who die are killed by a signal that no handler softens, in processes of their own.
"""

import multiprocessing
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from datastream.buffers.attempts import attempts
from datastream.buffers.lease import LeasePolicy
from datastream.catalog import Stream
from datastream.connections import ApiConfig, BufferConfig, LakeConfig
from datastream.intake.api import api_intake
from datastream.isolation import ClaimKills, IsolationPolicy, Work, killers
from datastream.lake.lake import open_lake
from datastream.lake.log import Log
from datastream.lake.schemas import Schema, create
from datastream.lake.verify import verify
from datastream.lane import Lane, open_lane
from datastream.pipeline import check, claims, decide, drain, transform
from datastream.quality import load_suite
from datastream.transform import TransformFailed
from tests.chaos.server import Valkey, running
from tests.conftest import World, orders, stream_of
from tests.fake_api import LOCAL
from tests.forks import forks
from tests.transforms import POISON

KEY = "datastream:attempts:orders:0"
BRIEF = LeasePolicy(lasts=timedelta(milliseconds=300), poll=timedelta(milliseconds=20))
IMPATIENT = IsolationPolicy(begin=timedelta(seconds=0.3), row=timedelta())


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the process that finds out from one that has loaded what it needs, where it would load that itself."""
    usual = multiprocessing.get_context
    monkeypatch.setattr(multiprocessing, "get_context", lambda kind: forks() if kind == "spawn" else usual(kind))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    with running(tmp_path / "valkey") as started:
        yield started


@dataclass
class Worker:
    """Drains a stream as its file says, under a lease, in whatever process it is called."""

    stream: Stream
    suites: Path
    api: str
    lake: LakeConfig
    buffer: BufferConfig

    @contextmanager
    def lane(self) -> Iterator[Lane]:
        suite, store = load_suite(self.suites, "orders"), open_lake(self.lake)
        with (
            api_intake(self.stream, ApiConfig(base_url=self.api, private_networks=LOCAL)) as intake,
            open_lane(self.stream, suite, store, intake, run="r", buffer=self.buffer, lease_policy=BRIEF) as lane,
        ):
            yield lane

    def __call__(self) -> None:
        with self.lane() as lane:
            drain(lane)

    def elsewhere(self) -> int | None:
        """Drain in a process of its own, and return how that ended."""
        process = forks().Process(target=self)
        process.start()
        process.join()
        return process.exitcode


def worker(world: World, server: Valkey, tmp_path: Path, transform: str) -> Worker:
    """Return a worker of a stream whose records are there, and one of which its transform cannot stand."""
    world.api.records = orders(100)
    stream = stream_of(transform=f"tests.transforms:{transform}", partition_by=None)
    return Worker(stream, world.suites, world.api.url, LakeConfig(uri=(tmp_path / "lake").as_uri()), server.config)


def work(world: World, transform: str, policy: IsolationPolicy = IsolationPolicy()) -> Work:  # noqa: B008 - frozen
    world.api.records = orders(100)
    world.stream = stream_of(transform=f"tests.transforms:{transform}")
    suite = load_suite(world.suites, "orders")
    with (
        api_intake(world.stream, ApiConfig(base_url=world.api.url, private_networks=LOCAL), world.clock) as intake,
        open_lane(world.stream, suite, world.store, intake, run="r", clock=world.clock) as lane,
    ):
        claim = next(claims(lane))
        return Work(claim.rows(None)[0], world.stream, suite, {}, policy)


def test_r24_a_record_that_kills_is_set_aside_with_the_third_attempt_and_its_companions_arrive(
    world: World, server: Valkey, tmp_path: Path
) -> None:
    killed = worker(world, server, tmp_path, "fatal")
    assert [killed.elsewhere() for _ in range(3)] == [-signal.SIGSEGV, -signal.SIGSEGV, 0]
    store = open_lake(killed.lake)
    [commit] = Log(store, "orders").manifests()
    assert commit.header.set_aside == {"poison: SIGSEGV": 1}
    found = verify(store, "orders")
    assert (found.loaded, found.quarantined, found.problems) == (99, 1, [])
    with redis.Redis.from_url(server.url) as client:
        assert client.keys("*") == []


@pytest.mark.usefixtures("loaded")
def test_r24_the_only_record_of_a_claim_is_found_too(world: World) -> None:
    """With a lag, all others may be repeats."""
    tried = work(world, "fatal")
    at = tried.table["id"].to_pylist().index(POISON)
    assert killers(replace(tried, table=tried.table.slice(at, 1))) == {0: "poison: SIGSEGV"}


def test_r24_a_worker_that_is_held_and_cancelled_is_counted(server: Valkey) -> None:
    held = attempts(server.config, "orders", "0")
    held.__enter__().begin(1)
    with suppress(KeyboardInterrupt):
        held.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    with attempts(server.config, "orders", "0") as counted:
        assert counted.begin(1) == 1


@pytest.mark.usefixtures("loaded")
def test_r24_who_is_held_for_ever_is_found_too(world: World) -> None:
    tried = work(world, "endless", IMPATIENT)
    [(row, said)] = killers(tried).items()
    assert row == tried.table["id"].to_pylist().index(POISON)
    limit = re.fullmatch(r"poison: more than ([\d.]+) s", said)
    assert limit, said
    assert float(limit[1]) >= IMPATIENT.begin.total_seconds(), "longer where rows that are well take longer"


@pytest.mark.usefixtures("loaded")
def test_r24_who_makes_the_process_leave_is_found_too(world: World) -> None:
    tried = work(world, "leaving")
    assert killers(tried) == {tried.table["id"].to_pylist().index(POISON): "poison: exit code 0"}


def test_r24_the_record_is_found_where_a_library_has_threads(world: World) -> None:
    tried = work(world, "fatal_with_polars")
    assert killers(tried) == {tried.table["id"].to_pylist().index(POISON): "poison: SIGSEGV"}


@pytest.mark.usefixtures("loaded")
def test_r24_the_record_is_found_where_code_is_slow_to_begin(world: World) -> None:
    tried = work(world, "slow_to_begin", IMPATIENT)
    assert killers(tried) == {tried.table["id"].to_pylist().index(POISON): "poison: SIGSEGV"}


@pytest.mark.usefixtures("loaded")
def test_code_that_is_slow_is_no_fault_of_any_record(world: World) -> None:
    assert killers(work(world, "slow", IMPATIENT)) == {}


@pytest.mark.usefixtures("loaded")
def test_code_that_kills_with_every_record_stops_its_lane(world: World) -> None:
    with pytest.raises(ClaimKills, match=r"100 records of 'orders' ended .*SIGSEGV.*Mend the transform"):
        killers(work(world, "fatal_to_all"))


@pytest.mark.usefixtures("loaded")
def test_code_that_cannot_be_found_kills_nobody(world: World) -> None:
    """It is told where it is met again."""
    tried = work(world, "timed")
    gone = tried.stream.model_copy(update={"transform": "tests.no_such:thing"})
    assert killers(replace(tried, stream=gone)) == {}


def test_an_attempt_that_never_ended_is_counted(server: Valkey) -> None:
    with attempts(server.config, "orders", "0") as counted:
        assert [counted.begin(1), counted.begin(1), counted.begin(1)] == [0, 1, 2]


def test_another_claim_is_counted_anew(server: Valkey) -> None:
    with attempts(server.config, "orders", "0") as counted:
        assert [counted.begin(1), counted.begin(1), counted.begin(2)] == [0, 1, 0]


def test_a_run_that_begins_nothing_leaves_the_count_as_it_is(server: Valkey) -> None:
    """The API was away, say: that tells nothing of the record that killed those before."""
    with attempts(server.config, "orders", "0") as died:
        died.begin(1)
        with attempts(server.config, "orders", "0"):
            pass
        assert died.begin(1) == 1


def test_a_claim_that_is_read_again_has_not_killed_anybody(world: World, server: Valkey, tmp_path: Path) -> None:
    """Another lane made the schema something else meanwhile."""
    healthy = worker(world, server, tmp_path, "timed")
    with healthy.lane() as lane:
        batch = transform(lane, next(claims(lane)))
        assert create(lane.store, "orders", Schema(version=1, fields={"other": "string"}, columns={}))
        assert decide(lane, batch, check(lane, batch)) is None
        assert lane.attempts.begin(lane.next_seq) == 0


def test_an_error_ends_an_attempt(world: World, server: Valkey, tmp_path: Path) -> None:
    failing = worker(world, server, tmp_path, "raising")
    for _ in range(4):
        with pytest.raises(TransformFailed):
            failing()
    with redis.Redis.from_url(server.url) as client:
        assert client.keys("*") == []


def test_without_redis_nothing_is_counted(server: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    with attempts(server.config, "orders", "0") as counted:
        server.kill()
        assert [counted.begin(1), counted.begin(1)] == [0, 0]
        counted.end()
    assert caplog.text.count("are not counted") == 1
