"""The group writer by itself: what arrives together goes together, and nobody disturbs anybody else."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from datastream.buffers import BufferAway, BufferFull, Delivery
from datastream.gateway.writer import Writer, WriterPolicy

WEEK = timedelta(days=7)


class Appends:
    """What was appended, group by group; it waits for `open`, and fails where it is told to."""

    def __init__(self) -> None:
        self.groups: list[tuple[str, list[str]]] = []
        self.threads: set[int] = set()
        self.begun = threading.Event()
        self.open = threading.Event()
        self.open.set()
        self.failing: dict[str, Exception] = {}

    def __call__(self, lane: str, deliveries: Sequence[Delivery], remembered: timedelta) -> list[bool]:
        assert remembered == WEEK
        self.groups.append((lane, [delivery.id for delivery in deliveries]))
        self.threads.add(threading.get_ident())
        self.begun.set()
        self.open.wait()
        if lane in self.failing:
            raise self.failing[lane]
        return [not delivery.id.startswith("repeat") for delivery in deliveries]


@pytest.fixture
def appends() -> Appends:
    return Appends()


def write(appends: Appends, work: Callable[[Writer], Awaitable[None]], policy: WriterPolicy | None = None) -> None:
    async def run() -> None:
        writer = Writer(appends, policy)
        await work(writer)
        appends.open.set()
        writer.close()

    asyncio.run(run())


def posted(writer: Writer, *names: str, lane: str = "a:0", size: int = 2) -> list[asyncio.Future[bool]]:
    return [writer.append(lane, Delivery(name, b"x" * size), WEEK) for name in names]


def test_what_arrives_together_goes_together_and_each_is_told_its_own(appends: Appends) -> None:
    async def work(writer: Writer) -> None:
        assert await asyncio.gather(*posted(writer, "1", "repeat", "2")) == [True, False, True]

    write(appends, work)
    assert appends.groups == [("a:0", ["1", "repeat", "2"])]
    assert threading.get_ident() not in appends.threads


def test_what_arrives_meanwhile_is_the_next_group(appends: Appends) -> None:
    async def work(writer: Writer) -> None:
        appends.open.clear()
        first = posted(writer, "1")
        await asyncio.to_thread(appends.begun.wait)
        rest = [*posted(writer, "2"), *posted(writer, "3")]
        appends.open.set()
        await asyncio.gather(*first, *rest)

    write(appends, work)
    assert appends.groups == [("a:0", ["1"]), ("a:0", ["2", "3"])]


def test_a_group_is_bounded_in_number_and_in_bytes_and_a_large_one_goes_alone(appends: Appends) -> None:
    async def work(writer: Writer) -> None:
        small, large = posted(writer, *"12345"), posted(writer, "6", "7", size=11)
        await asyncio.gather(*small, *large)

    write(appends, work, WriterPolicy(deliveries=3, group_bytes=10))
    assert [ids for _, ids in appends.groups] == [["1", "2", "3"], ["4", "5"], ["6"], ["7"]]


def test_lanes_take_turns(appends: Appends) -> None:
    async def work(writer: Writer) -> None:
        await asyncio.gather(*posted(writer, *"1234"), *posted(writer, "5", lane="b:0"))

    write(appends, work, WriterPolicy(deliveries=2))
    assert appends.groups == [("a:0", ["1", "2"]), ("b:0", ["5"]), ("a:0", ["3", "4"])]


def test_a_lane_that_fails_fails_alone(appends: Appends) -> None:
    appends.failing["a:0"] = BufferFull("It is full.")

    async def work(writer: Writer) -> None:
        outcomes = await asyncio.gather(*posted(writer, "1"), *posted(writer, "2", lane="b:0"), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [BufferFull, bool]

    write(appends, work)


def test_a_fault_of_our_own_is_raised_and_the_writer_goes_on(appends: Appends) -> None:
    appends.failing["a:0"] = ZeroDivisionError()

    async def work(writer: Writer) -> None:
        with pytest.raises(ZeroDivisionError):
            await posted(writer, "1")[0]
        assert await posted(writer, "2", lane="b:0")[0]

    write(appends, work)


def test_a_request_that_is_given_up_does_not_disturb_its_group(appends: Appends) -> None:
    async def work(writer: Writer) -> None:
        one, two, three = posted(writer, "1", "2", "3")
        two.cancel()
        assert await asyncio.gather(one, three) == [True, True]

    write(appends, work)
    assert appends.groups == [("a:0", ["1", "2", "3"])]


def test_what_waited_too_long_is_given_back_unwritten(appends: Appends) -> None:
    async def work(writer: Writer) -> None:
        appends.open.clear()
        first = posted(writer, "1")
        await asyncio.to_thread(appends.begun.wait)
        late = posted(writer, "2")
        asyncio.get_running_loop().call_later(0.1, appends.open.set)
        outcomes = await asyncio.gather(*first, *late, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [bool, BufferAway]
        assert await posted(writer, "3")[0]

    write(appends, work, WriterPolicy(patience=timedelta(seconds=0.05)))
    assert [ids for _, ids in appends.groups] == [["1"], ["3"]]
