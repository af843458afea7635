"""A buffer that is full is drained while senders go on pushing (R10); one trimmed by hand stops nobody (R14)."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from datastream.buffers import BufferFull, Delivery, lane_of
from datastream.buffers.redis import RedisBuffer, open_buffer
from datastream.buffers.scripts import entries
from datastream.connections import LakeConfig
from datastream.intake.webhook import webhook_intake
from datastream.lake.lake import open_lake
from datastream.lake.verify import verify
from datastream.lane import Lane, open_lane
from datastream.pipeline import check, claims, complete, decide, drain, transform
from datastream.quality import load_suite
from tests.chaos.server import Valkey, running
from tests.conftest import order
from tests.posts import posted_stream

LANE, WEEK = lane_of("orders"), timedelta(days=7)


@dataclass
class Door:
    """A stream that is posted to a Valkey of the test's own."""

    server: Valkey
    buffer: RedisBuffer
    lake: LakeConfig
    suites: Path
    accepted: set[int] = field(default_factory=set)
    minted: int = 0

    def push(self, count: int = 100, bytes_each: int = 0) -> None:
        """Post records; those that are answered for count. Raises BufferFull."""
        numbers = range(self.minted + 1, self.minted + 1 + count)
        self.minted += count
        bodies = (json.dumps(order(number, text="x" * bytes_each)).encode() for number in numbers)
        posts = [Delivery(f"m-{number}", body) for number, body in zip(numbers, bodies, strict=True)]
        self.buffer.append(LANE, posts, WEEK)
        self.accepted.update(numbers)

    def push_until_full(self) -> None:
        while True:
            self.push(50, bytes_each=1000)

    @contextmanager
    def lane(self) -> Iterator[Lane]:
        stream = posted_stream(partition_by=None)
        suite, store = load_suite(self.suites, "orders"), open_lake(self.lake)
        with (
            webhook_intake(stream, stream.source, self.server.config) as intake,
            open_lane(stream, suite, store, intake, run="r", buffer=self.server.config) as lane,
        ):
            yield lane

    def drain(self) -> None:
        with self.lane() as lane:
            drain(lane)


@pytest.fixture
def door(request: pytest.FixtureRequest, suites: Path, tmp_path: Path) -> Iterator[Door]:
    options = getattr(request, "param", ())
    with running(tmp_path / "valkey", *options) as server, open_buffer(server.config) as buffer:
        yield Door(server, buffer, LakeConfig(uri=(tmp_path / "lake").as_uri()), suites)


@pytest.mark.parametrize("door", [("--maxmemory", "6mb")], indirect=True)
def test_r10_a_buffer_that_is_full_is_drained_while_senders_push(door: Door) -> None:
    with pytest.raises(BufferFull):
        door.push_until_full()
    full, done = len(door.accepted), threading.Event()

    def push() -> None:
        while not done.is_set():
            try:
                door.push(10, bytes_each=1000)
            except BufferFull:
                done.wait(0.01)

    sender = threading.Thread(target=push)
    sender.start()
    try:
        door.drain()
    finally:
        done.set()
        sender.join()
    assert len(door.accepted) > full, "while it was drained it took records again"
    door.drain()
    found = verify(open_lake(door.lake), "orders")
    assert (found.loaded, found.problems, door.buffer.depth(LANE)) == (len(door.accepted), [], 0)


@pytest.mark.parametrize("keep", [0, 40])
def test_r14_what_is_trimmed_by_hand_before_it_is_read_is_gone_and_the_lane_goes_on(door: Door, keep: int) -> None:
    door.push(100)
    with door.lane() as lane, door.server.client() as client:
        waiting = claims(lane)
        client.xtrim(entries(LANE), maxlen=keep, approximate=False)
        for claim in waiting:
            held = decide(lane, batch := transform(lane, claim), check(lane, batch))
            assert held is not None
            complete(lane, held)
    door.push(10)
    door.drain()
    found = verify(open_lake(door.lake), "orders")
    assert (found.loaded, found.problems, door.buffer.depth(LANE)) == (keep + 10, [], 0)


def test_r14_what_is_trimmed_by_hand_while_it_is_worked_on_is_committed(door: Door) -> None:
    door.push(100)
    with door.lane() as lane, door.server.client() as client:
        claim = next(claims(lane))
        client.xtrim(entries(LANE), maxlen=0, approximate=False)
        held = decide(lane, batch := transform(lane, claim), check(lane, batch))
        assert held is not None
        complete(lane, held)
    door.push(10)
    door.drain()
    assert (verify(open_lake(door.lake), "orders").loaded, door.buffer.depth(LANE)) == (110, 0)
