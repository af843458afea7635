"""A stream that is posted, its buffer and its lake, for tests that tell the way of a delivery."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from datastream import pipeline
from datastream.buffers import Delivery, lane_of, shard_of
from datastream.buffers.memory import MemoryBuffer
from datastream.catalog import Stream
from datastream.clock import ManualClock
from datastream.connections import BufferConfig, LakeConfig
from datastream.intake.webhook import WebhookIntake
from datastream.lake.lake import open_lake
from datastream.lake.manifest import Manifest
from datastream.lake.store import Store
from datastream.lane import Lane, open_lane
from datastream.quality import load_suite
from datastream.resilience import DEFAULT, Dependency, MemoryStates
from tests.conftest import order
from tests.posts import posted_stream

WEEK = timedelta(days=7)


@dataclass
class Door:
    """A stream that is posted, its buffer and its lake."""

    store: Store
    suites: Path
    stream: Stream
    clock: ManualClock
    buffer: MemoryBuffer

    @classmethod
    def opened(cls, suites: Path, folder: Path) -> "Door":
        clock = ManualClock(datetime(2027, 1, 1, tzinfo=UTC))
        return cls(open_lake(LakeConfig(uri=folder.as_uri())), suites, posted_stream(), clock, MemoryBuffer(clock))

    def post(self, *numbers: int, **changes: object) -> list[bool]:
        return [self.deliver(f"m-{n}", json.dumps(order(n, **changes))) for n in numbers]

    def deliver(self, name: str, body: str) -> bool:
        lane = lane_of("orders", shard_of(name, self.stream.shards))
        [new] = self.buffer.append(lane, [Delivery(name, body.encode())], WEEK)
        return new

    @contextmanager
    def lane(
        self,
        name: str = "0",
        stream: Stream | None = None,
        buffer: BufferConfig | None = None,
        patience: timedelta | None = None,
    ) -> Iterator[Lane]:
        stream = stream or self.stream
        redis = Dependency("redis", DEFAULT, MemoryStates(), self.clock)
        intake = WebhookIntake(stream, WEEK, self.buffer, redis, self.clock, name)
        suite = load_suite(self.suites, "orders")
        with open_lane(
            stream, suite, self.store, intake, run="r", lane=name, clock=self.clock, buffer=buffer, patience=patience
        ) as lane:
            yield lane

    def run(self, *lanes: str) -> list[Manifest]:
        made: list[Manifest] = []
        for name in lanes or ("0",):
            with self.lane(name) as lane:
                pipeline.drain(lane, made.append)
        return made

    def ids(self) -> list[int]:
        from datastream.lake.reader import connect

        with connect(self.store) as connection:
            return [row[0] for row in connection.sql("select id from orders order by id").fetchall()]
