"""Expectations of the user's own lie beside the suites, and are imported when a suite names one."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from datastream.quality import SuiteBroken, SuiteErrored, load_suite, validate

MANUAL = (Path(__file__).parents[2] / "docs/quality.md").read_text()
CORE = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}}
OWN = {"type": "expect_column_values_to_be_even_here", "kwargs": {"column": "a"}}
MODULE = """
from great_expectations.expectations import ExpectColumnValuesToBeBetween

class ExpectColumnValuesToBeEvenHere(ExpectColumnValuesToBeBetween):
    max_value: float = 2
"""


def suite(folder: Path, *expectations: object) -> Path:
    (folder / "flights.json").write_text(json.dumps({"expectations": expectations}))
    return folder


def test_the_manuals_example_works(tmp_path: Path) -> None:
    example = re.search(r"^```python\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)
    assert example is not None
    (tmp_path / "clock_times.py").write_text(example[1])
    entry = json.loads(re.search(r'^(\{"type": "expect_column_values_to_be_clock_times.*\})$', MANUAL, re.MULTILINE)[1])
    verdict = validate(
        pa.table({"dep_time": [517, 2460, None, 1299, 830]}), load_suite(suite(tmp_path, entry), "flights")
    )
    assert verdict.bad_rows == [1, 3]


def test_a_subclass_of_one_of_theirs_is_judged_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "even.py").write_text(MODULE)
    own = {**OWN, "kwargs": {"column": "a", "row_condition": "b > 0", "mostly": 0.9}}
    verdict = validate(pa.table({"a": [1, 9, 9, None], "b": [1, 1, 0, 1]}), load_suite(suite(tmp_path, own), "flights"))
    assert verdict.bad_rows == [1]


def test_loading_a_suite_imports_no_module(tmp_path: Path) -> None:
    (tmp_path / "even.py").write_text("raise RuntimeError('imported')")
    assert len(load_suite(suite(tmp_path, OWN), "flights").rules) == 1


def test_modules_are_imported_only_for_a_type_that_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('imported')")
    assert validate(pa.table({"a": [1, None]}), load_suite(suite(tmp_path, CORE), "flights")).bad_rows == [1]


def test_a_module_is_imported_once(tmp_path: Path) -> None:
    (tmp_path / "counted.py").write_text(
        f"from pathlib import Path\nfile = Path({str(tmp_path / 'count')!r})\n"
        "file.write_text(file.read_text() + 'x' if file.exists() else 'x')"
    )
    for _ in range(2):
        with pytest.raises(SuiteBroken, match=f"or define it in a module in {tmp_path}"):
            validate(pa.table({"a": [1]}), load_suite(suite(tmp_path, {**OWN, "type": "expect_wonders"}), "flights"))
    assert (tmp_path / "count").read_text() == "x"


def test_an_error_in_a_module_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import no_such_library")
    loaded = load_suite(suite(tmp_path, {**OWN, "type": "expect_wonders"}), "flights")
    with pytest.raises(SuiteBroken, match=r"broken\.py: it cannot be imported: ModuleNotFoundError: No module named"):
        validate(pa.table({"a": [1]}), loaded)
    (tmp_path / "broken.py").write_text("")  # mended, as in a notebook: it is tried again
    with pytest.raises(SuiteBroken, match="knows no such type"):
        validate(pa.table({"a": [1]}), loaded)


def test_the_version_changes_with_the_module_that_defines_a_type_and_with_no_other(tmp_path: Path) -> None:
    versions = []
    for name, text in (("even.py", MODULE), ("even.py", MODULE + "    min_value: float = 1\n"), ("other.py", "x = 1")):
        (tmp_path / name).write_text(text)
        versions.append(load_suite(suite(tmp_path, OWN), "flights").version)
    assert versions[0] != versions[1] == versions[2]


def test_check_finds_them_from_any_folder(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    for folder in (project / "expectations", elsewhere):
        folder.mkdir(parents=True)
    suite(project / "expectations", {**OWN, "type": "expect_column_values_to_be_even_here"})
    (project / "expectations" / "even.py").write_text(MODULE)
    (elsewhere / "d.jsonl").write_text('{"a": 1}\n{"a": 9}\n')
    env = {**os.environ, "DATASTREAM_PROJECT": str(project), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [
        Path(sys.executable).with_name("datastream"),
        "check",
        "--suite",
        "flights",
        "--data",
        "d.jsonl",
        "--json",
    ]
    done = subprocess.run(command, cwd=elsewhere, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["bad_rows"]) == (1, [1])


TWINS = {
    "great_expectations": MODULE.replace("ExpectColumnValuesToBeEvenHere", "ExpectColumnValuesToBeNull"),
    "a_even": MODULE.replace("2", "9"),
}


@pytest.mark.parametrize("first", TWINS)
def test_a_class_that_takes_the_name_of_another_is_refused_and_takes_nothing(tmp_path: Path, first: str) -> None:
    """Which of the two a suite meant would hang on what was imported by then."""
    (tmp_path / "a_even.py").write_text(MODULE)
    (tmp_path / "b_even.py").write_text(TWINS[first])
    null = {**CORE, "type": "expect_column_values_to_be_null"}
    loaded = load_suite(suite(tmp_path, null, {**OWN, "type": "expect_wonders"}), "flights")
    for _ in range(2):
        with pytest.raises(SuiteBroken, match=rf"b_even\.py: it defines .* once more, which .*{first}.* already\."):
            validate(pa.table({"a": [1]}), loaded)
    assert validate(pa.table({"a": [1, None]}), load_suite(suite(tmp_path, null), "flights")).bad_rows == [0]


def test_a_suite_is_refused_as_long_as_a_module_beside_it_is_broken(tmp_path: Path) -> None:
    """The first try leaves the type known, for its module was imported; a second one must not pass for that."""
    (tmp_path / "even.py").write_text(MODULE.replace("EvenHere", "Whole"))
    (tmp_path / "odd.py").write_text("raise RuntimeError")
    loaded = load_suite(suite(tmp_path, {**OWN, "type": "expect_column_values_to_be_whole"}), "flights")
    for _ in range(2):
        with pytest.raises(SuiteBroken, match=r"odd\.py: it cannot be imported: RuntimeError"):
            validate(pa.table({"a": [1]}), loaded)


ENDS = """
from math import nan
from great_expectations.compatibility import pydantic
from great_expectations.expectations import ExpectColumnValuesToBeBetween

class ExpectColumnValuesToEnd{name}(ExpectColumnValuesToBeBetween):
    max_value: float = 2
    {body}
"""
ODD = {
    "Refused": "@pydantic.validator('column')\n    def odd(cls, column): raise KeyError('no such thing')",
    "Process": "def _validate(self, *a, **k): raise SystemExit(0)",
    "Beyond": "def _validate(self, *a, **k): return dict(success=False, result=dict(unexpected_index_list=[7]))",
    "Below": "def _validate(self, *a, **k): return dict(success=False, result=dict(unexpected_index_list=[-1]))",
    "Nowhere": "def _validate(self, *a, **k): return dict(success=False, result=dict(unexpected_index_list=[nan]))",
    "Named": "def _validate(self, *a, **k): return dict(success=False, result=dict(unexpected_index_list=['x']))",
    "Perhaps": "def _validate(self, *a, **k): return dict(success='perhaps')",
}


@pytest.mark.parametrize("name", ODD)
def test_whatever_one_does_instead_of_answering_is_told_and_passes_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "odd.py").write_text(ENDS.format(name=name, body=ODD[name]))
    rule = {**OWN, "type": f"expect_column_values_to_end_{name.lower()}"}
    with pytest.raises((SuiteBroken, SuiteErrored), match=f"expectation 0 .*end_{name.lower()}"):
        validate(pa.table({"a": [1, 2]}), load_suite(suite(tmp_path, rule), "flights"))
