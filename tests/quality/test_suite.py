"""A suite is read from Great Expectations' own JSON, and one that is not understood is refused."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from datastream.quality import Rule, Suite, SuiteBroken, SuiteEmpty, SuiteMissing, load_suite, validate

ENTRY = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}}


def write(folder: Path, content: object, name: str = "flights") -> Path:
    path = folder / f"{name}.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_rule_is_critical_unless_it_says_otherwise(tmp_path: Path) -> None:
    write(tmp_path, {"name": "flights", "expectations": [ENTRY, {**ENTRY, "severity": "info"}]})
    assert [rule.severity for rule in load_suite(tmp_path, "flights").rules] == ["critical", "info"]


def test_rules_are_numbered_as_they_stand(tmp_path: Path) -> None:
    write(tmp_path, {"name": "flights", "expectations": [ENTRY, ENTRY]})
    assert [rule.number for rule in load_suite(tmp_path, "flights").rules] == [0, 1]


def test_the_version_ignores_ids_notes_and_layout(tmp_path: Path) -> None:
    write(tmp_path, {"name": "flights", "expectations": [ENTRY]})
    dressed = {"id": "1", "notes": "n", "meta": {"x": 1}, "kwargs": ENTRY["kwargs"], "type": ENTRY["type"]}
    write(tmp_path, json.dumps({"expectations": [dressed], "name": "other", "id": "2"}, indent=4), "other")
    assert load_suite(tmp_path, "flights").version == load_suite(tmp_path, "other").version


@pytest.mark.parametrize(
    "change", [{"severity": "warning"}, {"kwargs": {"column": "b"}}, {"kwargs": {"column": "a", "mostly": 0.9}}]
)
def test_the_version_changes_with_what_is_demanded(tmp_path: Path, change) -> None:
    write(tmp_path, {"expectations": [ENTRY]}, "one")
    write(tmp_path, {"expectations": [{**ENTRY, **change}]}, "two")
    assert load_suite(tmp_path, "one").version != load_suite(tmp_path, "two").version


def test_a_missing_suite_is_named_with_those_there_are(tmp_path: Path) -> None:
    write(tmp_path, {"expectations": [ENTRY]}, "planes")
    with pytest.raises(SuiteMissing, match=r"'flights' does not exist.*use one of: planes\."):
        load_suite(tmp_path, "flights")


@pytest.mark.parametrize("name", ["", "../x", "Flights", "a/b", "-a", "a" * 64, "a\n"])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SuiteBroken, match="Suite name"):
        load_suite(tmp_path, name)


@pytest.mark.parametrize("content", [{}, {"expectations": []}, {"expectations": None}])
def test_a_suite_without_expectations_is_refused(tmp_path: Path, content) -> None:
    write(tmp_path, content)
    with pytest.raises(SuiteEmpty, match="holds no expectations"):
        load_suite(tmp_path, "flights")


def test_bad_json_is_refused_with_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path, '{\n  "expectations": [\n    oops\n]}')
    with pytest.raises(SuiteBroken) as caught:
        load_suite(tmp_path, "flights")
    assert f"{path}, line 3" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"expectations": {"a": 1}},
        {"expectations": ["not_null"]},
        {"expectations": [{"kwargs": {}}]},
        {"expectations": [{**ENTRY, "kwargs": [1]}]},
        {"expectations": [{**ENTRY, "severity": "fatal"}]},
        {"expectations": [{**ENTRY, "kwargs": {"column": "a", "mostly": {"$PARAMETER": "share"}}}]},
        {"expectations": [{**ENTRY, "kwargs": {"column": "a", "value_set": [{"$PARAMETER": "one"}]}}]},
    ],
)
def test_what_is_no_suite_is_refused(tmp_path: Path, content) -> None:
    write(tmp_path, content)
    with pytest.raises(SuiteBroken):
        load_suite(tmp_path, "flights")


@pytest.mark.parametrize(
    "content",
    [
        {"expectation_suite_name": "flights", "expectations": [{"expectation_type": ENTRY["type"], "kwargs": {}}]},
        {"name": "flights", "expectations": [{"expectation_type": ENTRY["type"], "kwargs": {}}]},
    ],
)
def test_a_suite_of_version_0_is_refused_with_what_to_change(tmp_path: Path, content) -> None:
    path = write(tmp_path, content)
    with pytest.raises(SuiteBroken, match=r"0\.x.*each 'expectation_type' 'type', as 1\.x does\.") as caught:
        load_suite(tmp_path, "flights")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("version", ["1.0.0", "1.99.0"])
def test_a_suite_of_another_version_loads_if_it_is_understood(tmp_path: Path, version: str) -> None:
    write(tmp_path, {"expectations": [ENTRY], "meta": {"great_expectations_version": version}})
    assert len(load_suite(tmp_path, "flights").rules) == 1


@pytest.mark.parametrize("value", ["[" * 100_000, "1" * 5000], ids=["deep", "long"])
def test_a_value_that_python_cannot_read_is_refused(tmp_path: Path, value: str) -> None:
    path = write(tmp_path, f'{{"expectations": [{value}')
    with pytest.raises(SuiteBroken, match="holds a value that cannot be read") as caught:
        load_suite(tmp_path, "flights")
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "flights.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SuiteBroken, match="cannot be read"):
        load_suite(tmp_path, "flights")


@pytest.mark.parametrize(
    ("kind", "kwargs", "label"),
    [
        ("expect_column_values_to_not_be_null", {"column": "dep_time"}, "dep_time not null"),
        ("expect_column_values_to_be_in_set", {"column": "o", "value_set": ["EWR", "JFK"]}, "o in {EWR, JFK}"),
        (
            "expect_column_values_to_be_in_set",
            {"column": "o", "value_set": list(range(9))},
            "o in {0, 1, 2, 3, 4, 5, 6, 7, ...}",
        ),
        ("expect_column_values_to_be_between", {"column": "m", "min_value": 1, "max_value": 12}, "m between 1 and 12"),
        ("expect_column_values_to_be_between", {"column": "m", "min_value": 1, "strict_min": True}, "m > 1"),
        ("expect_column_values_to_not_be_null", {"column": "t", "mostly": 0.98}, "t not null (in 98% or more)"),
        ("expect_column_values_to_not_be_null", {"column": "t", "row_condition": "a > 1"}, "t not null where a > 1"),
        ("expect_column_values_to_match_regex", {"column": "d", "regex": "^[A-Z]{3}$"}, "d matches ^[A-Z]{3}$"),
        ("expect_column_values_to_be_between", {"column": "m"}, "expect_column_values_to_be_between(column=m)"),
        ("expect_wonders", {"column": "t"}, "expect_wonders(column=t)"),
    ],
)
def test_a_rule_is_named_for_people(kind: str, kwargs, label: str) -> None:
    assert Rule(0, kind, kwargs).label == label


def test_a_suite_without_rules_cannot_be_made() -> None:
    with pytest.raises(SuiteEmpty):
        Suite.of("nothing", ())


def test_one_that_was_made_nevertheless_passes_nothing() -> None:
    with pytest.raises(SuiteEmpty):
        validate(pa.table({"a": [1]}), Suite("nothing", "1", ()))


@pytest.mark.parametrize("suite", ["flights", None, {"expectations": []}])
def test_what_is_no_suite_is_refused_with_how_to_get_one(suite) -> None:
    with pytest.raises(SuiteBroken, match=rf"The suite is a {type(suite).__name__}: it cannot be asked\. .*load_suite"):
        validate(pa.table({"a": [1]}), suite)
