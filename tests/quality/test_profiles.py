"""Nulls and uniqueness of columns: planted drifts are found, and chance is none."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from datastream.quality.columns import judged, summary
from datastream.quality.profiles import KEPT, Profile, kept, profiles
from tests.quality.weeks import DAY, HOUR, MONDAY


def table(rng: np.random.Generator, rows: int, **changes: object) -> pa.Table:
    """Return rows as an API may have them: a key, codes, a measure, and a field that is seldom filled in."""
    number = int(rng.integers(10**9))
    return pa.table({
        "id": np.arange(number, number + rows),
        "carrier": rng.choice(list("ABCDEFGHIJKL"), rows, p=[0.4, *[0.6 / 11] * 11]),
        "tail": rng.integers(0, 3000, rows),
        "minute": rng.integers(0, 100_000, rows),
        "second": rng.integers(0, 5_000_000, rows),
        "delay": pa.array(rng.normal(size=rows), mask=rng.random(rows) < 0.03),
        "note": pa.array(rng.integers(0, 5, rows), mask=rng.random(rows) < 0.9),
        **changes,
    })  # fmt: skip


class Past:
    """A stream that is looked at every hour, in samples of another size each time."""

    def __init__(self, seed: int = 0) -> None:
        self.rng, self.now = np.random.default_rng(seed), MONDAY
        self.before: dict[str, list[Profile]] = {}

    def look(self, rows: int | None = None, span: timedelta = DAY, **changes: object) -> dict[str, str]:
        """Return what is not met, and expected."""
        self.now += HOUR
        rows = rows or int(self.rng.integers(60, 500))
        found = profiles(table(self.rng, rows, **{name: made(rows) for name, made in changes.items()}), self.now)
        odd = {check.name: check.expected for check in judged(found, self.before, span) if check.result == "not met"}
        for name, profile in found.items():
            if not any(each.endswith(name) for each in odd):
                self.before[name] = kept(self.before.get(name, []), profile, span)
        return odd


@pytest.fixture
def past() -> Past:
    past = Past()
    for _ in range(30):
        assert past.look() == {}
    return past


def nothing(rows: int) -> pa.Array:
    return pa.nulls(rows, pa.float64())


def test_a_thousand_looks_at_stable_columns_raise_no_false_alarm() -> None:
    past = Past(seed=1)
    assert [odd for _ in range(1000) if (odd := past.look())] == []


def test_a_column_that_loses_its_values_is_found(past: Past) -> None:
    assert past.look(delay=nothing).keys() == {"nulls:delay"}
    some = past.rng.random
    assert "nulls:delay" in past.look(500, delay=lambda n: pa.array(np.ones(n), mask=some(n) < 0.3))


def test_a_seldom_value_that_is_always_there_is_found(past: Past) -> None:
    assert past.look(note=np.ones).keys() == {"nulls:note"}


def test_a_key_that_repeats_is_found(past: Past) -> None:
    def twice(rows: int) -> np.ndarray:
        ids = np.arange(rows)
        ids[: rows // 20] = ids[-(rows // 20) :]
        return ids

    assert past.look(400, id=twice).keys() == {"uniqueness:id"}


def test_a_column_that_becomes_one_value_is_found_and_one_that_becomes_unique_too(past: Past) -> None:
    assert past.look(300, tail=lambda n: np.zeros(n, int)).keys() == {"uniqueness:tail"}
    assert past.look(300, carrier=np.arange).keys() == {"uniqueness:carrier"}


def test_nothing_is_judged_before_the_profiles_lie_a_window_apart() -> None:
    """What is usual at night may not be at noon."""
    for span, odd in ((timedelta(hours=12), {"nulls:delay"}), (DAY, set())):
        past = Past()
        for _ in range(20):
            past.look()
        assert past.look(delay=nothing, span=span).keys() == odd


def test_odd_columns_teach_nothing(past: Past) -> None:
    assert [len(past.look(delay=nothing)) for _ in range(60)] == [1] * 60


def test_a_larger_sample_makes_no_key_repeat() -> None:
    """Of a million numbers that are drawn by chance, a hundred are all different and ten thousand are not."""
    past = Past()
    number = {"id": lambda n: past.rng.integers(0, 1_000_000, n)}
    for _ in range(30):
        past.look(60, **number)
    assert past.look(50_000, **number) == {}


@pytest.mark.parametrize("lines", [2, 3, 5, 20])
def test_lines_of_orders_are_not_odd_on_a_quiet_day_nor_on_a_busy_one(lines: int) -> None:
    """In a hundred of 120 rows most of an order's lines lie together, in a hundred of 600 they do not."""
    past, odd = Past(seed=3), []
    for look in range(24 * 21):
        quiet = look // 24 % 7 >= 5
        rows = int(past.rng.poisson(120 if quiet else 600))
        odd.append(past.look(rows, order=lambda n: np.arange(n) // lines + past.rng.integers(10**9)))
    assert [each for each in odd if each] == []
    collapsed = past.look(600, order=lambda n: np.zeros(n, int)).keys()
    assert collapsed == ({"uniqueness:order"} if lines <= 5 else set()), (
        "of six orders in a hundred, none can be missed"
    )


def test_variety_is_the_same_of_small_and_of_large_samples() -> None:
    rng = np.random.default_rng(2)
    of = {rows: profiles(table(rng, rows), MONDAY)["tail"].variety for rows in (200, 2_000, 100_000)}
    assert max(of.values()) - min(of.values()) < 1.5, of


def test_so_many_profiles_are_kept_and_lie_apart() -> None:
    profile = [Profile(MONDAY + n * HOUR / 4, 100, 0.0, 100.0, 0.0) for n in range(400)]
    before: list[Profile] = []
    for each in profile:
        before = kept(before, each, DAY)
    assert len(before) == KEPT
    assert before[-1].at - before[0].at >= DAY - HOUR
    small = Profile(MONDAY + 99 * DAY, 10, 0.0, None, 0.0)
    assert kept(before, small, DAY) == before


def test_nested_columns_and_empty_samples_have_no_profile() -> None:
    now = datetime(2026, 1, 1)  # noqa: DTZ001 - any
    assert profiles(pa.table({"tags": [[1]], "place": [{"x": 1}]}), now) == {}
    assert profiles(pa.table({"a": pa.array([], pa.int64())}), now) == {}
    assert profiles(pa.table({"a": pa.nulls(3)}), now)["a"] == Profile(now, 3, 1.0, None, 0.0)


def test_the_columns_together_are_one_line() -> None:
    assert summary("nulls", [], "no new row").observed == "no new row"
    assert summary("nulls", [], "no new row").result == "not judged"
