"""What is known of a stream is bounded, whatever happens to it, and reads back as it was."""

import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from datastream.health.state import POINTS, Memory, Point, State, StateTooNew
from datastream.quality.buckets import Sums
from datastream.quality.check import Check
from datastream.quality.checks import Version
from datastream.quality.figures import Figures, Unhealthy
from datastream.quality.incidents import Change, Incident, Incidents, Mute
from datastream.quality.profiles import KEPT, Profile
from tests.quality.weeks import DAY, HOUR, MONDAY

NOW = MONDAY + 100 * DAY


def full(columns: int, incidents: int) -> State:
    """Return a state with all that it has room for, of a stream that is loaded every five minutes."""
    rng = random.Random(0)
    figures = Figures(window=DAY)
    for n in range(100 * 288):
        read = rng.randrange(1000)
        figures.add(NOW - n * timedelta(minutes=5), Sums(read, read, rng.randrange(9), rng.randrange(99)))
    names = [f"column_{n}" for n in range(columns)]
    incident = Incident(id="orders/nulls/column_1/100", check="nulls", subject="column_1", opened_at=NOW, since=NOW,
                        said="12.34% of 12,345 rows have no value (expected: as usual, 0.00% to 5.00%)")  # fmt: skip
    memory = Memory(
        figures=figures,
        loaded_at=NOW,
        newest="0-000000012345",
        versions=[Version(NOW, "0-000000012345", dict.fromkeys(names, "timestamp[us, tz=UTC]"))] * 5,
        profiles={
            name: [Profile(NOW - n * HOUR, rng.randrange(10**5), rng.random(), rng.random() * 100, rng.random())
                   for n in range(KEPT)] for name in names
        },
        unhealthy=[Unhealthy("volume", "", NOW - n * DAY / 4, NOW - n * DAY / 4 + HOUR) for n in range(900)],
        points={f"c{c}": [Point(NOW, rng.random(), rng.random(), 1.0, "met")] * POINTS for c in range(8)},
    )  # fmt: skip
    memory.trim(NOW)
    kept = Incidents(stream="orders", opened=100, open=[incident] * incidents, closed=[incident] * 50)
    return State(upto={"0": 12345}, incidents=kept, memory=memory, changes=[Change(what="opened", incident=incident)])


def size(state: State) -> int:
    return len(msgspec.json.format(msgspec.json.encode(state.offsets), indent=1))


def test_it_is_bounded_in_bytes() -> None:
    usual, widest = size(full(20, 1)), size(full(200, 400))
    assert usual < 60_000, usual
    assert widest < 500_000, widest


def test_it_reads_back_as_it_was() -> None:
    state = full(3, 2)
    back = State.of(msgspec.json.decode(msgspec.json.encode(state.offsets)))
    assert msgspec.to_builtins(back) == msgspec.to_builtins(state)
    assert back.memory.figures.last(NOW) == state.memory.figures.last(NOW)


def test_one_of_a_later_version_is_not_read_wrongly() -> None:
    with pytest.raises(StateTooNew, match="in format 2"):
        State.of({**full(1, 0).offsets, "format": 2})


def test_what_is_not_met_run_after_run_is_one_unhealthy_time() -> None:
    memory = Memory(figures=Figures(window=DAY))
    for hour in range(5):
        now = MONDAY + hour * HOUR
        memory.note(Check("quarantined", "9%", "at most 5%", "not met", since=now - DAY), now)
    assert memory.unhealthy == [Unhealthy("quarantined", "", MONDAY - DAY, MONDAY + 4 * HOUR)]


def test_what_was_learned_is_forgotten_up_to_a_moment() -> None:
    memory = Memory(figures=Figures(window=DAY), unhealthy=[Unhealthy("volume", "", MONDAY, MONDAY + 3 * DAY)])
    memory.forget("volume", "", MONDAY, NOW)
    assert memory.unhealthy == [Unhealthy("volume", "", NOW.replace(year=2025), MONDAY)]


def test_a_mute_reads_back() -> None:
    at = datetime(2026, 2, 28, tzinfo=UTC)
    state = full(1, 0)
    state.incidents.mutes = [Mute(check="volume", at=at, until=at + DAY, why="moved")]
    assert State.of(state.offsets).incidents.mutes == state.incidents.mutes
