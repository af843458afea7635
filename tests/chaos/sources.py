"""Where records come from while workers are killed: an API whose list grows, or senders that repeat themselves."""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from datastream.buffers import Delivery, lane_of, shard_of
from datastream.buffers.redis import RedisBuffer
from datastream.connections import ApiConfig
from datastream.errors import Transient
from datastream.sources.window import to_wire
from tests.chaos.deploys import API, SHARDS, STREAM, WEBHOOK
from tests.chaos.ledger import Ledger
from tests.chaos.records import record
from tests.chaos.server import Valkey
from tests.fake_api import LOCAL, FakeApi

_REMEMBERED = timedelta(days=7)
LANES = [lane_of(STREAM, str(number)) for number in range(SHARDS)]


class Api:
    """An API that answers in no order of its cursor: what it had at first is shuffled, and so is each later block.

    A block is as old as the moment it appears, so a reader that trusts `until` and a small lag misses none of it.
    """

    PAGE = 25

    def __init__(self, api: FakeApi, ledger: Ledger, chance: random.Random) -> None:
        self._api, self._ledger, self._chance = api, ledger, chance
        api.page_size, api.cursor = self.PAGE, "changed"
        cursor = {"field": "changed", "param": "since", "initial": datetime(2020, 1, 1, tzinfo=UTC), "lag": "PT2S"}
        self.spec: Mapping[str, Any] = {**API, "cursor": cursor}
        self.given = {"api": ApiConfig(base_url=api.url, private_networks=LOCAL)}

    def history(self, count: int) -> None:
        """Have records from long ago."""
        ago = datetime.now(UTC) - timedelta(days=30)
        self._add([(number, ago + timedelta(hours=number / count * 500)) for number in self._ledger.mint(count)])

    def grow(self, count: int) -> None:
        now = datetime.now(UTC)
        self._add([(number, now + timedelta(microseconds=n)) for n, number in enumerate(self._ledger.mint(count))])

    def _add(self, records: list[tuple[int, datetime]]) -> None:
        self._chance.shuffle(records)
        self._api.records += [{**record(number), "changed": to_wire(at)} for number, at in records]
        self._ledger.accepted(number for number, _ in records)

    def settle(self) -> None:
        return

    def left(self) -> int:
        return 0


class Posts:
    """Senders that post one record or a list, some of it twice, some of it again much later.

    A sender that got no answer posts again, unless it gives up.
    """

    def __init__(self, server: Valkey, buffer: RedisBuffer, ledger: Ledger, chance: random.Random) -> None:
        self._buffer, self._ledger, self._chance = buffer, ledger, chance
        self.spec: Mapping[str, Any] = WEBHOOK
        self.given = {"buffer": server.config}
        self._sent: dict[str, tuple[Delivery, Sequence[int]]] = {}
        self._unanswered: list[str] = []
        self.repeats_told = 0

    def history(self, count: int) -> None:
        self.grow(count)

    def grow(self, count: int) -> None:
        names = [self._write(numbers) for numbers in self._lists(self._ledger.mint(count))]
        often = names + names[::3] + self._chance.sample(sorted(self._sent), min(5, len(self._sent)))
        self._chance.shuffle(often)
        self.send(often)

    def send(self, names: Sequence[str]) -> None:
        """Post, and learn what was accepted: nobody knows, where no answer came."""
        for shard, lane in enumerate(LANES):
            self._post(lane, [name for name in names if shard_of(name, SHARDS) == str(shard)])

    def _post(self, lane: str, names: Sequence[str]) -> None:
        deliveries = [self._sent[name] for name in names]
        numbers = [number for _, numbers in deliveries for number in numbers]
        try:
            new = self._buffer.append(lane, [delivery for delivery, _ in deliveries], _REMEMBERED)
        except Transient:
            self._ledger.unsure(numbers)
            self._unanswered += names
            return
        self._ledger.accepted(numbers)
        self.repeats_told += new.count(False)

    def settle(self) -> None:
        """Post again what nobody answered. One sender of five has given up."""
        again = [name for name in dict.fromkeys(self._unanswered) if self._chance.random() > 0.2]
        self._unanswered = []
        if again:
            self.send(again)

    def left(self) -> int:
        return sum(map(self._buffer.depth, LANES))

    def _lists(self, minted: Iterable[int]) -> Iterable[list[int]]:
        waiting = list(minted)
        while waiting:
            count = 3 if self._chance.random() < 0.1 else 1
            yield waiting[:count]
            waiting = waiting[count:]

    def _write(self, numbers: Sequence[int]) -> str:
        name = f"post-{numbers[0]}"
        rows = [record(number) for number in numbers]
        body = json.dumps(rows if len(rows) > 1 else rows[0])
        self._sent[name] = (Delivery(name, body.encode()), numbers)
        return name
