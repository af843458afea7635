"""Where records come from while workers are killed: an API whose list grows, or senders that repeat themselves."""

import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
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
from tests.fake_api import LOCAL, Asked, FakeApi, Response, ok

_REMEMBERED = timedelta(days=7)
LANES = [lane_of(STREAM, str(number)) for number in range(SHARDS)]


class Api:
    """An API that answers in no order of its cursor, and that changes while its pages are read (R42).

    Records come in between others, so what lies behind moves to later pages. Some have the very same time, that of the
    window's edge too; some are late: they are older than what was read, by less than the stream's lag.
    """

    PAGE = 25
    LAG = timedelta(seconds=2)
    PAGES: Mapping[str, Any] = {"paginate": {"kind": "page_number", "total": "total", "count": "count"}}
    CURSOR: Mapping[str, Any] = {}

    def __init__(self, api: FakeApi, ledger: Ledger, chance: random.Random) -> None:
        self._api, self._ledger, self._chance = api, ledger, chance
        self._lock, self._restless = Lock(), False
        api.page_size, api.cursor, api.fault = self.PAGE, "changed", self._meanwhile
        first = {"field": "changed", "param": "since", "initial": datetime(2020, 1, 1, tzinfo=UTC)}
        self.spec: Mapping[str, Any] = {**API, **self.PAGES, "cursor": {**first, "lag": self.LAG, **self.CURSOR}}
        self.given = {"api": ApiConfig(base_url=api.url, private_networks=LOCAL)}

    def history(self, count: int) -> None:
        """Have records from long ago."""
        ago = datetime.now(UTC) - timedelta(days=30)
        self._add(count, lambda n: ago + timedelta(hours=n / count * 500))

    def grow(self, count: int) -> None:
        """Have more records, and become restless: the next ones come while pages are read."""
        now = datetime.now(UTC)
        self._add(count, lambda n: now - self._chance.choice((timedelta(), self.LAG / 2)) * (n % 3 == 0))
        self._restless = True

    def _meanwhile(self, target: str) -> None:  # noqa: ARG002 - the contract's
        if self._restless and self._chance.random() < 0.2:
            self.grow(2)

    def _add(self, count: int, time_of: Callable[[int], datetime]) -> None:
        with self._lock:
            numbers = self._ledger.mint(count)
            added = [{**record(number), "changed": to_wire(time_of(n))} for n, number in enumerate(numbers)]
            records = self._api.records
            for each in added:
                records = [*records]
                records.insert(self._chance.randint(0, len(records)), each)
            self._api.records = records
            self._ledger.accepted(numbers)

    def settle(self) -> None:
        self._restless = False

    def left(self) -> int:
        return 0


class Spans(Api):
    """One that is asked span by span, side by side, each page naming the next; others' records also vanish from it.

    It goes by key, as one must where records vanish: a page begins behind the last record of the one before.
    """

    PAGES: Mapping[str, Any] = {"records": "rows", "paginate": {"kind": "cursor", "param": "after", "next": "next"}}
    CURSOR: Mapping[str, Any] = {"until": "until", "step": timedelta(days=2)}

    def __init__(self, api: FakeApi, ledger: Ledger, chance: random.Random) -> None:
        super().__init__(api, ledger, chance)
        api.pages = self._answer

    def _answer(self, asked: Asked) -> Response:
        query = asked.query
        inside = (row for row in self._api.records if query["since"] <= row["changed"] <= query["until"])
        behind = sorted((row["changed"], row["id"], row) for row in inside)
        behind = [each for each in behind if f"{each[0]} {each[1]:09}" > query.get("after", "")]
        page = behind[: self.PAGE]
        more = f"{page[-1][0]} {page[-1][1]:09}" if len(behind) > self.PAGE else None
        return ok({"rows": [row for _, _, row in page], "next": more})

    def _meanwhile(self, target: str) -> None:
        super()._meanwhile(target)
        if self._restless:
            self._forget_some()

    def _forget_some(self) -> None:
        """Have records that come and go: nobody is owed them, and they may be read once."""
        with self._lock:
            numbers = self._ledger.mint(2)
            self._ledger.unsure(numbers)
            gone = {number for number in self._ledger.excused if self._chance.random() < 0.5}
            kept = [row for row in self._api.records if row["id"] not in gone]
            now = to_wire(datetime.now(UTC))
            self._api.records = [*kept, *({**record(number), "changed": now} for number in numbers)]


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
