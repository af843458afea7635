"""Drafts of real tables: one half's holds on the other, and finds the faults that are planted in a copy."""

import random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from datastream.quality import validate
from datastream.suggest import suggest
from tests.suggest.conftest import Tables

NAMES = ("flights", "planes", "weather", "airports", "airlines")
ROWS = 20_000


def halves(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    middle = table.num_rows // 2
    return table.slice(0, middle), table.slice(middle)


def broken(drafted: pa.Table, asked: pa.Table) -> tuple[int, list[str]]:
    """Return how many rules were drafted, and those that other rows do not meet."""
    outcomes = validate(asked, suggest(drafted, "half").suite).expectations
    return len(outcomes), [outcome.rule.label for outcome in outcomes if not outcome.success]


def test_all_rules_drafted_from_one_half_of_the_flights_hold_on_the_other(tables: Tables) -> None:
    """The halves are different months: the file begins with January and October, and ends with September."""
    first, second = halves(tables("flights"))
    for drafted, asked in ((first, second), (second, first)):
        rules, failed = broken(drafted, asked)
        assert (rules > 50, failed) == (True, [])


@pytest.mark.parametrize("name", NAMES[1:])
def test_all_rules_drafted_from_the_first_half_of_a_table_hold_on_the_second(tables: Tables, name: str) -> None:
    assert broken(*halves(tables(name)))[1] == []


def test_what_the_other_half_breaks_the_other_way_round_is_a_gap_and_a_slip(tables: Tables) -> None:
    """The weather of the first half has one row without temperature, and one with a storm of 1,048 miles an hour."""
    rules, failed = broken(*reversed(halves(tables("weather"))))
    assert len(failed) / rules < 0.1
    assert [each for each in failed if "not null" not in each] == ["wind_speed between 0 and 56"]


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_table_meets_its_own_draft(tables: Tables, name: str) -> None:
    draft = suggest(tables(name), name)
    assert validate(tables(name), draft.suite).success
    assert draft.dropped == ()


def trips(flights: pa.Table) -> pa.Table:
    """Return flights as an API would serve them: with an id, and times as texts."""
    some = flights.slice(0, ROWS)
    ids = pa.array([f"FL-{number:06}" for number in range(ROWS)])
    times = pc.strftime(some["time_hour"], "%Y-%m-%dT%H:%M:%SZ")
    return some.drop_columns(["time_hour"]).append_column("id", ids).append_column("at", times)


@pytest.mark.parametrize("seed", range(5))
def test_five_planted_faults_are_found_and_no_other_row(tables: Tables, seed: int) -> None:
    clean, chance = trips(tables("flights")), random.Random(seed)
    draft = suggest(clean, "trips", key=["id"])
    rows = chance.sample(range(ROWS), 6)
    null, twice, first, far, origin, time = rows
    columns = {name: clean[name].to_pylist() for name in ("id", "distance", "origin", "at")}
    columns["id"][null] = None
    columns["id"][twice] = columns["id"][first]
    columns["distance"][far] = chance.choice([-1, 99_999])
    columns["origin"][origin] = chance.choice(["XXX", "jfk", ""])
    columns["at"][time] = chance.choice(["2013-13-01T05:00:00Z", "01/02/2013", "2013-01-01T25:00:00Z"])
    verdict = validate(with_columns(clean, columns), draft.suite)
    assert validate(clean, draft.suite).bad_rows == []
    assert verdict.bad_rows == sorted(rows)
    assert verdict.bad_rows_for({"critical"}) == sorted([null, twice, first])


def with_columns(table: pa.Table, columns: dict[str, list[Any]]) -> pa.Table:
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values, table[name].type))
    return table
