"""The benchmark's arithmetic, its last line, and what it asks of both candidates. Nothing is measured here."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks import child
from benchmarks.api_to_lake.__main__ import arguments, conclude
from benchmarks.api_to_lake.task import FULL, QUICK, StreamFileStrange, make_project
from benchmarks.figures import Round, last_line, middle
from datastream.catalog import Catalog
from datastream.quality import load_suite
from deployments.stack.waiting import wait_until

MIB = 1024 * 1024


def took(seconds: float, *, records: int = 1000, peak_bytes: int = 500 * MIB) -> Round:
    took, returned, whole = (timedelta(seconds=seconds + more) for more in (0, 1, 5))
    return Round(records, took, returned, whole, peak_bytes)


def candidate(folder: Path, code: str) -> Round:
    (folder / "candidate.py").write_text(code)
    return child.run("candidate", {"rows": 7}, {"PYTHONPATH": f"{folder}:{child.ROOT}"}, folder)


def runs(pid: str) -> bool:
    try:
        return (Path("/proc") / pid / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_median_is_taken_figure_by_figure() -> None:
    found = middle([took(4, peak_bytes=1), took(1, peak_bytes=3), took(2, peak_bytes=2)])
    assert [each.total_seconds() for each in (found.took, found.returned, found.whole)] == [2, 3, 7]
    assert found.peak_bytes == 2
    assert found.rate == 500


def test_rounds_that_read_different_numbers_have_no_median() -> None:
    with pytest.raises(ValueError, match="different numbers"):
        middle([took(1), took(1, records=999)])


def test_the_last_line_is_json_with_the_ratio() -> None:
    said = json.loads(last_line("api_to_lake", "records/s", 90_000.04, 25_000))
    assert said == {"name": "api_to_lake", "unit": "records/s", "ours": 90_000.0, "peer": 25_000, "ratio": 3.6}


def test_goals_are_told_before_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    conclude(took(1, records=60_000), took(4, records=60_000, peak_bytes=9 * MIB))
    *_, rate, memory, ratio, last = capsys.readouterr().out.splitlines()
    assert [said.split(":")[0] for said in (rate, memory, ratio)] == ["reached"] * 3
    assert json.loads(last)["ratio"] == 4.0


def test_a_goal_that_was_missed_is_told_as_missed(capsys: pytest.CaptureFixture[str]) -> None:
    conclude(took(1, peak_bytes=800 * MIB), took(2))
    *_, rate, memory, ratio, _ = capsys.readouterr().out.splitlines()
    assert [said.split(":")[0] for said in (rate, memory, ratio)] == ["MISSED"] * 3


def test_the_command_line_chooses_task_and_rounds() -> None:
    assert arguments([]) == (FULL, 3)
    assert arguments(["--quick"]) == (QUICK, 1)
    assert arguments(["--rounds", "5"]) == (FULL, 5)


@pytest.mark.parametrize("rounds", ["0", "-1", "x"])
def test_rounds_that_mean_nothing_are_refused(rounds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--rounds", rounds])
    assert "whole number" in capsys.readouterr().err


def test_the_project_is_the_shipped_one_from_another_time_on(tmp_path: Path) -> None:
    make_project(child.ROOT, tmp_path, QUICK)
    asked = Catalog(tmp_path / "streams").stream("flights")
    shipped = Catalog(child.ROOT / "streams").stream("flights")
    assert asked.source.cursor.initial.isoformat() == QUICK.since.replace("Z", "+00:00")
    assert asked.model_dump(exclude={"source"}) == shipped.model_dump(exclude={"source"})
    assert load_suite(tmp_path / "expectations", "flights") == load_suite(child.ROOT / "expectations", "flights")


def test_a_stream_that_begins_elsewhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "streams").mkdir()
    (tmp_path / "streams" / "flights.yaml").write_text("initial: 2020-01-01T00:00:00Z")
    with pytest.raises(StreamFileStrange, match="SHIPPED_SINCE"):
        make_project(tmp_path, tmp_path / "project", FULL)


def test_a_candidate_reports_what_it_measured(tmp_path: Path) -> None:
    measuring = ("w = Stopwatch(asked())", "w.start()", "w.done()", "w.returned()", "w.report(7)")
    found = candidate(tmp_path, "\n".join(("from benchmarks.child import Stopwatch, asked", *measuring)))
    assert found.records == 7
    assert timedelta() <= found.took <= found.returned < found.whole < timedelta(seconds=60)
    assert found.peak_bytes > MIB


def test_a_candidate_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(child.CandidateFailed, match=r"(?s)exit code 3.*no luck"):
        candidate(tmp_path, "print('no luck')\nraise SystemExit(3)")


def test_what_a_late_candidate_started_is_ended_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "PATIENCE", timedelta(seconds=3))
    code = "import subprocess\nsubprocess.run(['sh', '-c', 'echo $$ >pid; sleep 300'], check=True)"
    with pytest.raises(child.CandidateFailed, match="not done"):
        candidate(tmp_path, code)
    number = (tmp_path / "pid").read_text().strip()
    assert wait_until(lambda: not runs(number), timedelta(seconds=5))


def test_the_command_starts_nothing_when_it_is_used_wrongly() -> None:
    command = [sys.executable, "-m", "benchmarks.api_to_lake", "--slow"]
    done = subprocess.run(command, cwd=child.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--slow" in done.stderr
