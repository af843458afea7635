"""The report of a run adds its claims up, and no value can break out of it."""

import pyarrow as pa
import pytest

from datastream.quality import Tally, markdown, validate

NOT_NULL = "expect_column_values_to_not_be_null"


@pytest.fixture
def tally(suite_of) -> Tally:
    suite = suite_of(
        (NOT_NULL, {"column": "a"}),
        (NOT_NULL, {"column": "b", "mostly": 0.5}, "warning"),
        ("expect_table_row_count_to_equal", {"value": 2}, "warning"),
    )
    tally = Tally(suite)
    for table in (pa.table({"a": [1, 2], "b": [None, 1]}), pa.table({"a": [None, 2, 3, 4], "b": [1, 1, 1, 1]})):
        tally.add(validate(table, suite))
    return tally


def test_a_tally_sums_the_claims_of_a_run(tally: Tally) -> None:
    assert (tally.claims, tally.rows, tally.bad_rows, tally.success) == (2, 6, 1, False)
    assert [(line.failing, line.tolerated, line.success) for line in tally.rules] == [
        (1, 0, False),
        (0, 1, True),
        (0, 0, False),
    ]


def test_a_report_has_a_line_a_rule(tally: Tally) -> None:
    lines = markdown(tally).splitlines()
    assert lines[0] == "## Suite tested: not met"
    assert "| Rule | Severity | Result | Failing rows | Share |" in lines
    assert "| a not null | critical | failed | 1 | 16.67% |" in lines
    assert "| b not null (in 50% or more) | warning | met, 1 tolerated | 0 | 0% |" in lines
    assert "| row count = 2 | warning | failed as a whole in 1 of 2 | 0 | 0% |" in lines


def test_a_report_shows_ten_rows_and_how_to_see_the_others(tally: Tally) -> None:
    report = markdown(tally, [{"id": row} for row in range(100, 120)], "datastream quarantine show flights")
    assert "| 109 |" in report
    assert "| 110 |" not in report
    assert report.endswith("All of them: `datastream quarantine show flights`\n")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a|b", r"a\|b"),
        ("one\ntwo\r\nthree", "one two three"),
        ("<script>", "&lt;script&gt;"),
        ("\x1b[31mred\x1b[0m\x07", "red"),
        ("\u202etxet", "txet"),
        ("`code` [link](x)", r"\`code\` \[link\](x)"),
        ("https://x.example @all", r"https\://x.example \@all"),
        ("dep_time _it_", r"dep_time \_it\_"),
        ("x" * 100, "x" * 57 + "..."),
        (None, ""),
    ],
)
def test_a_value_cannot_break_out_of_its_cell(tally: Tally, value, shown: str) -> None:
    assert f"| {shown} |" in markdown(tally, [{"v": value}]).splitlines()


def test_a_run_without_claims_had_nothing_to_check(suite_of) -> None:
    assert "nothing to check" in markdown(Tally(suite_of((NOT_NULL, {"column": "a"}))))
