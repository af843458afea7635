"""The benchmark of the verdict asks both the same, and says so. Nothing is timed here."""

import json

import pytest

from benchmarks.child import CandidateFailed
from benchmarks.quality.__main__ import EXPECTATIONS, agree, compare, conclude, table
from datastream.quality import load_suite


def test_both_name_the_same_rows() -> None:
    ours, peer = compare(table(2000), load_suite(EXPECTATIONS, "flights"), rounds=1)
    assert (len(ours), len(peer)) == (1, 1)


def test_candidates_that_differ_have_no_times() -> None:
    with pytest.raises(CandidateFailed, match="differ"):
        agree([(False, [1])], [(False, [2])])


def test_goals_are_told_before_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    conclude([100.0, 50.0, 90.0], [180.0], rows=50_000)
    *goals, last = capsys.readouterr().out.splitlines()
    assert [said.split(":")[0] for said in goals] == ["reached"] * 2
    assert json.loads(last) == {
        "name": "quality", "unit": "ms", "ours": 90.0, "peer": 180.0, "ratio": 0.5, "microseconds_a_row": 1.8,
    }  # fmt: skip
