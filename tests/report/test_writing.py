"""The page on the lake: whole at any time, of all streams, and made at a cost that does not grow."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from datastream.connections import LakeConfig
from datastream.health import asked
from datastream.health.ledger import open_ledger
from datastream.lake import fragments, layout
from datastream.lake.backup import backup
from datastream.lake.lake import open_lake
from datastream.lake.manifest import RuleResult
from datastream.lake.store import MemoryStore, Store
from datastream.lake.verify import verify
from datastream.maintenance import forget
from datastream.report.page import put_together
from datastream.report.reading import encode, kept, read
from datastream.report.writing import part, write
from tests.conftest import stream_of
from tests.report.reading import Page
from tests.report.simulated import HOUR, Paged, bad
from tests.seaweedfs import fresh_lake

NOT_NULL = "amount not null"


@dataclass
class Counting:
    """A store that counts what it is asked."""

    store: Store
    calls: Counter[str] = field(default_factory=Counter)
    reads_at_once: int = 1

    def create(self, key: str, data: bytes) -> bool:
        self.calls["create"] += 1
        return self.store.create(key, data)

    def create_all(self, objects: Mapping[str, bytes]) -> set[str]:
        self.calls["create"] += len(objects)
        return self.store.create_all(objects)

    def read(self, key: str) -> bytes | None:
        self.calls["read"] += 1
        return self.store.read(key)

    def keys(self, prefix: str) -> Iterator[str]:
        self.calls["list"] += 1
        found = [*self.store.keys(prefix)]
        self.calls["listed"] += len(found)
        yield from found

    def folders(self, prefix: str) -> list[str]:
        self.calls["list"] += 1
        return self.store.folders(prefix)

    def delete(self, key: str) -> None:
        self.calls["delete"] += 1
        self.store.delete(key)

    def address(self, key: str) -> str:
        return self.store.address(key)


def load(paged: Paged) -> None:
    broken = [RuleResult(rule=NOT_NULL, severity="critical", success=False, rows=1)]
    paged.load(aside=[bad(NOT_NULL)], rules=broken)


def test_a_run_asks_the_lake_as_often_after_sixty_runs_as_after_five() -> None:
    paged, seen = Paged(), list[Counter[str]]()
    counting = Counting(paged.store)
    for _ in range(64):
        paged.store = counting.store
        load(paged)
        if len(seen) % 10 == 3:
            paged.load(0, after=timedelta(), lane="replay", replayed=1)
        counting.calls = Counter()
        paged.store = counting
        paged.check()
        paged.page()
        seen.append(counting.calls)
    # The index of a lane is kept every sixteenth commit, and what came since is read.
    for early, late in zip(seen[21:31], seen[53:63], strict=True):
        assert early == late
    assert max(each["read"] for each in seen[48:]) <= max(each["read"] for each in seen[16:32])


def test_making_the_page_reads_no_log() -> None:
    paged = Paged()
    for _ in range(20):
        load(paged)
    paged.check()
    counting = Counting(paged.store)
    write(counting, {"orders": paged.stream})
    assert counting.calls["listed"] <= 4
    assert counting.calls["read"] <= 16  # the newest commit of `_quality`, three samples, and the parts of the page


def test_each_run_makes_its_own_stream_anew_and_keeps_the_others() -> None:
    paged = Paged()
    other = Paged(stream_of(name="flights"), paged.store, paged.clock)
    load(paged)
    paged.check()
    assert "1 stream," in paged.page()
    other.load(7)
    other.check()
    assert "2 streams," in other.page()
    before = {key: data for key, data in paged.store.objects.items() if "streams/orders/" in key}
    other.load(8)
    other.check()
    text = other.page()
    assert text.index('id="s-flights"') < text.index('id="s-orders"')
    assert before.items() <= paged.store.objects.items()
    assert sum(key.startswith(layout.FRAGMENTS) for key in paged.store.objects) == 2


def test_what_is_not_as_expected_comes_first() -> None:
    paged = Paged(stream_of(quality={"fresh_within": "PT1H"}))
    calm = Paged(stream_of(name="calm", quality={"fresh_within": "P9D"}), paged.store, paged.clock)
    paged.load()
    calm.load()
    paged.clock.advance(2 * HOUR)
    paged.check()
    paged.page()
    calm.check()
    text = calm.page()
    assert "1 not as expected" in text
    assert text.index('id="s-orders"') < text.index('id="s-calm"')


def test_a_stream_that_is_checked_no_more_is_pointed_at() -> None:
    paged = Paged()
    other = Paged(stream_of(name="flights"), paged.store, paged.clock)
    paged.load()
    paged.checked_page()
    other.load(after=timedelta(days=2))
    other.check()
    assert "was not checked since" not in other.page()
    other.load()
    other.check()
    assert "orders was not checked since 2026-11-01 01:00" in Page(other.page()).said()


def test_what_people_say_of_a_check_is_on_the_page_that_is_made_anew() -> None:
    paged = Paged()
    load(paged)
    paged.checked_page()
    paged.clock.advance(HOUR)
    with open_ledger(paged.stream, paged.store, run="command line", clock=paged.clock) as ledger:
        asked.mute(ledger, "volume", HOUR, "the source is moved", paged.clock.now())
    text = paged.page()
    assert "the source is moved" in text
    assert "checked 2026-11-01 01:00, suite" in " ".join(text.split())  # when it was, and not by whom it was muted


def test_a_stream_that_was_never_checked_has_no_part() -> None:
    store = MemoryStore()
    assert read(store) is None
    write(store, {"orders": stream_of()})
    assert b"No stream was checked yet" in (read(store) or b"")


@pytest.mark.parametrize("where", ["memory", "folder", pytest.param("s3", marks=pytest.mark.full)])
def test_two_runs_at_the_same_time_both_end_well_and_no_reader_sees_less_than_a_page(
    request: pytest.FixtureRequest, tmp_path: Path, where: str
) -> None:
    store: Store = MemoryStore()
    if where == "folder":
        store = open_lake(LakeConfig(uri=(tmp_path / "lake").as_uri()))
    if where == "s3":
        store = open_lake(fresh_lake(request.getfixturevalue("s3_lake"), tmp_path.name))
    streams = [Paged(stream_of(name=f"s{n}"), store) for n in range(3)]
    for each in streams:
        each.load()
        each.checked_page()
    seen = list[bytes | None]()

    def run(paged: Paged) -> None:
        for _ in range(4):
            paged.load()
            paged.check()
            write(store, {paged.stream.name: paged.stream})

    with ThreadPoolExecutor(4) as threads:
        runs = [threads.submit(run, each) for each in [*streams]]
        while not all(run.done() for run in runs):
            seen.append(read(store))
        for each in runs:
            each.result()
    whole = [page for page in seen if page and page.startswith(b"<!doctype html>") and b"</html>" in page[-20:]]
    assert len(whole) == len(seen) > 0
    assert b"3 streams," in (read(store) or b"")
    assert read(store) == put_together(kept(store, fragments.newest(store)))


class Crossed(MemoryStore):
    """A store in which others do something just before a page is taken away, or just after."""

    before: Callable[[], object] | None = None
    after: Callable[[], object] | None = None

    def delete(self, key: str) -> None:
        if key == layout.PAGE:
            self._once("before")
        super().delete(key)
        if key == layout.PAGE:
            self._once("after")

    def _once(self, moment: str) -> None:
        action = getattr(self, moment)
        if action:
            setattr(self, moment, None)
            action()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_page_of_fewer_parts_does_not_stay(moment: str) -> None:
    """Another run ends while one has put its page together, and is about to put it there."""
    store = Crossed()
    paged, other = Paged(store=store), Paged(stream_of(name="flights"), store)
    for each in (paged, other):
        each.load()
        each.check()
    setattr(store, moment, other.page)
    assert "2 streams," in paged.page()


def test_a_page_that_was_put_together_earlier_and_comes_first_does_not_stay() -> None:
    store = Crossed()
    paged = Paged(store=store)
    paged.load()
    paged.check()
    store.after = lambda: store.create(layout.PAGE, b"of earlier parts")
    assert "1 stream," in paged.page()


def test_a_page_whose_writer_was_killed_is_put_together_by_who_reads() -> None:
    paged = Paged()
    load(paged)
    page = paged.checked_page()
    paged.store.delete(layout.PAGE)
    assert (read(paged.store) or b"").decode() == page


def test_a_part_that_cannot_be_read_costs_its_stream_only() -> None:
    paged = Paged()
    load(paged)
    paged.check()
    fragments.keep(paged.store, "later", 1, b'{"of another version": true}')
    assert "1 stream," in paged.page()


def test_a_part_of_another_past_gives_way() -> None:
    """After a restore the numbers begin below those of parts that were made before it."""
    paged = Paged()
    load(paged)
    paged.check()
    made = part(paged.store, "orders", paged.stream, None)
    assert made is not None
    fragments.keep(paged.store, "orders", 99, encode(made[1]))
    paged.page()
    assert fragments.newest(paged.store) == {"orders": 1}


def test_what_is_forgotten_leaves_the_page_at_once() -> None:
    paged = Paged()
    paged.load(aside=[bad(NOT_NULL, id=7, city="Oslo")])
    assert "Oslo" in paged.checked_page()
    forget("orders", paged.store, {"id": "7"}, run="r", clock=paged.clock)
    assert not [key for key in paged.store.objects if key.startswith("_report/")]
    assert "Oslo" not in paged.page()


def test_the_page_is_no_stranger_and_no_part_of_a_backup() -> None:
    paged, copy = Paged(), MemoryStore()
    load(paged)
    paged.checked_page()
    found = verify(paged.store, "orders")
    assert (found.problems, found.strangers) == ([], [])
    for stream in paged.store.folders(layout.LOGS):
        backup(paged.store, copy, stream)
    assert not [key for key in copy.objects if key.startswith("_report/")]
    assert write(copy, {"orders": paged.stream}) == "memory://_report/quality.html"
    assert NOT_NULL in (read(copy) or b"").decode()
