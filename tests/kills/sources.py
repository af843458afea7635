"""Where the records of a killed stream come from. Either can grow while its runs are killed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from datastream.buffers import Delivery, lane_of
from datastream.buffers.redis import RedisBuffer, open_buffer
from datastream.connections import ApiConfig, BufferConfig
from tests.conftest import order
from tests.fake_api import FakeApi


def some_orders(count: int, start: int) -> list[dict[str, object]]:
    """Return records, some of them bad."""
    return [order(n, **({"amount": None} if n % 17 == 0 else {})) for n in range(start, start + count)]


class Api:
    """An API whose list grows."""

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        self.given = {"api": ApiConfig(base_url=api.url)}
        self.count = 0

    def grow(self, count: int) -> None:
        self._api.records += some_orders(count, self.count + 1)
        self.count += count

    def left(self) -> int:
        return 0


class Posts:
    """Senders that post, and post every third delivery twice."""

    def __init__(self, config: BufferConfig, buffer: RedisBuffer) -> None:
        self._buffer = buffer
        self.given = {"buffer": config}
        self.count = 0

    def grow(self, count: int) -> None:
        rows = some_orders(count, self.count + 1)
        deliveries = [Delivery(f"post-{row['id']}", json.dumps(row).encode()) for row in rows]
        self._buffer.append(lane_of("orders"), [*deliveries, *deliveries[::3]], timedelta(days=7))
        self.count += count

    def left(self) -> int:
        return self._buffer.depth(lane_of("orders"))


@contextmanager
def posts(config: BufferConfig) -> Iterator[Posts]:
    with open_buffer(config) as buffer:
        yield Posts(config, buffer)
