"""What tests of backfills share: an API that may keep to `since` and `until`, and workers without Prefect."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from datastream import pipeline
from datastream.backfill import finish, free_slices, register, wanted
from datastream.catalog import Stream
from datastream.connections import ApiConfig, BufferConfig
from datastream.intake import Intake
from datastream.intake.api import api_intake
from datastream.intake.backfill import slice_intake
from datastream.intake.backfills import Backfill, registered
from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest
from datastream.lake.verify import Verification, verify
from datastream.lane import Lane, open_lane
from datastream.quality import load_suite
from datastream.slices import Slices
from tests.conftest import World, stream_of
from tests.fake_api import LOCAL, Asked, FakeApi, Record, Response, ok

FROM, TO = "2026-01-05", "2026-01-15"


def cut_stream(initial: str = "2026-01-20T00:00:00Z", errors: Sequence[object] = (), **changes: object) -> Stream:
    """Return a stream that has never read what is to be filled in, of an API that knows a window's end."""
    cursor = {"field": "at", "param": "since", "until": "before", "initial": initial, "lag": "PT1H"}
    return stream_of(source={"cursor": cursor, "errors": list(errors)}, **changes)


def answers(api: FakeApi, *, since: bool = True, until: bool = True) -> Callable[[Asked], Response]:
    """Return an API that keeps to `since` and to `before` or not; its end belongs to the answer, as many have it."""

    def found(asked: Asked) -> list[Record]:
        least, most = asked.query.get("since", ""), asked.query.get("before", "~")
        rows = [row for row in list(api.records) if not since or str(row.get("at") or "~") >= least]
        return [row for row in rows if not until or str(row.get("at") or "") <= most]

    def pages(asked: Asked) -> Response:
        rows, page, size = found(asked), int(asked.query.get("page", "1")), api.page_size
        total = -(-len(rows) // size)
        return ok({"data": rows[(page - 1) * size :][:size], "total": total, "count": len(rows)})

    return pages


def was_asked(world: World) -> list[dict[str, str]]:
    """Return the parameters of each request."""
    return [{name: found[0] for name, found in parse_qs(urlsplit(target).query).items()} for target in world.api.asked]


@dataclass(frozen=True)
class Filling:
    """Backfills of a world's stream."""

    world: World
    buffer: BufferConfig | None = None

    def lane(self, lane: str = layout.LANE) -> AbstractContextManager[Lane]:
        return self._open(lane, api_intake(self.world.stream, self._config, self.world.clock))

    def asked(self, since: str = FROM, until: str = TO, every: str | None = "day") -> Backfill:
        return wanted(self.world.stream, since, until, every)

    def register(
        self, since: str = FROM, until: str = TO, every: str | None = "day", *, again: bool = False
    ) -> Backfill | None:
        with self.lane() as lane:
            return register(lane, self.asked(since, until, every), self.world.clock, again=again)

    def slices(self, backfill: Backfill) -> Slices:
        return Slices(self.world.store, "orders", backfill)

    def take(self, backfill: Backfill) -> Callable[[str, timedelta], AbstractContextManager[Lane]]:
        def take(name: str, patience: timedelta) -> AbstractContextManager[Lane]:
            del patience
            intake = slice_intake(self.world.stream, name, backfill.again, self._config, self.world.clock)
            return self._open(name, intake)

        return take

    def work(self, backfill: Backfill) -> list[Manifest]:
        """Do what one worker does, to the end."""
        slices, made = self.slices(backfill), list[Manifest]()
        for lane in free_slices(slices, self.take(backfill), self.world.clock):
            pipeline.drain(lane, made.append)
        if slices.all_done():
            with self.lane() as lane:
                finish(lane, backfill, self.world.clock)
        return made

    def fill(
        self, since: str = FROM, until: str = TO, every: str | None = "day", *, again: bool = False
    ) -> list[Manifest]:
        """Fill a range in, and return the commits that were made."""
        backfill = self.register(since, until, every, again=again)
        return self.work(backfill) if backfill else []

    @property
    def in_progress(self) -> tuple[Backfill, ...]:
        newest = Log(self.world.store, "orders").newest()
        return registered(newest.header.offsets) if newest else ()

    @property
    def ids(self) -> list[int]:
        return [row[0] for row in self.world.rows("select id from orders order by id")]

    def verified(self) -> Verification:
        found = verify(self.world.store, "orders")
        assert found.problems == []
        return found

    @property
    def _config(self) -> ApiConfig:
        return ApiConfig(base_url=self.world.api.url, private_networks=LOCAL)

    @contextmanager
    def _open(self, name: str, opened: AbstractContextManager[Intake]) -> Iterator[Lane]:
        world = self.world
        suite = load_suite(world.suites, "orders")
        with (
            opened as intake,
            open_lane(
                world.stream, suite, world.store, intake, run="w", lane=name, bus=world.bus, clock=world.clock,
                buffer=self.buffer, patience=timedelta(),
            ) as lane,
        ):  # fmt: skip
            yield lane


def numbers_between(world: World, since: str, until: str) -> list[int]:
    """Return the records that a range owns."""
    return sorted(row["id"] for row in world.api.records if row.get("at") and since <= row["at"] < until)
