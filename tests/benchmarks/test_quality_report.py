"""The page's benchmark measures real runs. Nothing is timed here."""

from pathlib import Path

from benchmarks.quality_report.__main__ import line
from benchmarks.quality_report.run import fill, lake_at, run_at
from datastream.health.known import known
from datastream.lake import layout


def test_a_run_is_a_commit_its_checks_and_its_page(tmp_path: Path) -> None:
    fill(tmp_path / "lake", 4)
    cost = run_at(tmp_path / "lake", 4)
    paged = lake_at(tmp_path / "lake", 5)
    assert cost.size == len(paged.store.read(layout.PAGE) or b"") > 10_000
    state, at = known(paged.store, "orders") or (None, None)
    assert at == paged.clock.now()
    assert state is not None
    assert [len(points) for points in state.memory.points.values()] == [5] * len(state.memory.points)
    assert "KiB" in line("after 4", [cost])
