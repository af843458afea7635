"""Suites go both ways between the files here and Great Expectations' Python API, and demand the same."""

import datetime as dt
import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from datastream.quality import Suite, load_suite, validate, warm
from tests.quality.cases import ROW_WISE, TABLE_LEVEL

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Great Expectations' own, of what is a text
UTC_DAYS = pd.to_datetime([f"2013-01-0{day}T00:00:00Z" for day in range(1, 7)])
FRAME = pd.DataFrame(
    {"at": UTC_DAYS, "naive": UTC_DAYS.tz_localize(None), "a": [1, 2, None, 4, 5, 6], "b": list("xyzxyz")}
)


def built() -> list[Any]:
    """Return expectations as its Python API makes them, with all that it saves."""
    warm()
    from great_expectations import expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    moment = dt.datetime(2013, 1, 3, tzinfo=dt.UTC)
    between, not_null = gxe.ExpectColumnValuesToBeBetween, gxe.ExpectColumnValuesToNotBeNull
    either = (Column("b") == "x") | Column("a").is_null()
    return [
        not_null(column="a", mostly=0.5, row_condition='b == "z"', condition_parser="pandas"),
        between(column="at", min_value=moment, severity="warning", notes="n", meta={"x": 1}),
        between(column="naive", max_value=moment.replace(tzinfo=None), mostly=0.5),
        between(column="a", min_value=float("-inf"), max_value=3, row_condition=either),
        between(column="a", max_value=3, row_condition=Column("b").is_in(["x", "y"]) & (Column("at") > moment)),
        not_null(column="a", row_condition=Column("naive") < dt.datetime(2013, 1, 4), severity="info"),  # noqa: DTZ001 - as the column
        gxe.ExpectColumnMaxToBeBetween(column="at", max_value=moment),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["a", "b"], ignore_row_if="never"),
    ]


def theirs(expectations: list[Any]) -> list[tuple[bool, list[int]]]:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("oracle").add_dataframe_asset("frame")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch({"dataframe": FRAME})
    answers = [batch.validate(each, result_format="COMPLETE") for each in expectations]
    return [(answer.success, answer.result.get("unexpected_index_list") or []) for answer in answers]


def ours(suite: Suite) -> list[tuple[bool, list[int]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = validate(FRAME, suite)
    return [(outcome.success, outcome.unexpected_index_list) for outcome in verdict.expectations]


def saved(folder: Path, how: str) -> Path:
    """Save what was built by means of Great Expectations, and return the suite's folder."""
    import great_expectations as gx

    suite = gx.ExpectationSuite(name="flights", expectations=built(), meta={"x": 1}, notes="n")
    if how == "to_json_dict":
        (folder / "flights.json").write_text(json.dumps(suite.to_json_dict()))
    else:
        gx.get_context(mode="file", project_root_dir=folder).suites.add(suite)
    [file] = folder.rglob("flights.json")
    return file.parent


@pytest.mark.parametrize("how", ["to_json_dict", "file context"])
def test_what_it_saves_loads_here_and_says_the_same(tmp_path: Path, how: str) -> None:
    expectations = built()
    suite = load_suite(saved(tmp_path, how), "flights")
    assert ours(suite) == theirs(expectations)
    assert [rule.severity for rule in suite.rules[:6]] == [
        "critical",
        "warning",
        "critical",
        "critical",
        "critical",
        "info",
    ]


def test_what_it_saved_loads_there_again_and_says_the_same(tmp_path: Path) -> None:
    import great_expectations as gx

    folder = saved(tmp_path, "to_json_dict")
    again = gx.ExpectationSuite(**json.loads((folder / "flights.json").read_text()))
    assert theirs(again.expectations) == ours(load_suite(folder, "flights"))


def test_each_expectation_written_by_hand_loads_there(tmp_path: Path) -> None:
    warm()
    import great_expectations as gx

    entries = [{"type": kind, "kwargs": kwargs, "severity": "info"} for kind, kwargs in [*ROW_WISE, *TABLE_LEVEL]]
    (tmp_path / "flights.json").write_text(json.dumps({"name": "flights", "expectations": entries}, default=str))
    suite = load_suite(tmp_path, "flights")
    read = gx.ExpectationSuite(**json.loads((tmp_path / "flights.json").read_text()))
    assert [each.expectation_type for each in read.expectations] == [rule.type for rule in suite.rules]


def test_the_suite_that_is_shipped_loads_there() -> None:
    warm()
    import great_expectations as gx

    folder = Path(__file__).parents[2] / "expectations"
    read = gx.ExpectationSuite(**json.loads((folder / "flights.json").read_text()))
    assert [each.expectation_type for each in read.expectations] == [
        rule.type for rule in load_suite(folder, "flights").rules
    ]
