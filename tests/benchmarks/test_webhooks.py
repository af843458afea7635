"""The webhook benchmark's arithmetic, and what it posts. Nothing is measured here but that posts are counted."""

import json
from pathlib import Path

import pytest

from benchmarks.child import CandidateFailed
from benchmarks.webhooks.__main__ import arguments, conclude
from benchmarks.webhooks.posts import Answers, post, requests
from datastream.buffers.memory import MemoryBuffer
from tests.gateway.serving import KEY, kept, serving, write_stream


def test_percentiles_are_of_all_posts() -> None:
    found = Answers(2.0, [n / 1000 for n in range(1, 101)])
    assert (found.rate, found.percentile(0.5), found.percentile(0.99)) == (50, 50, 99)


def test_the_command_line_chooses_posts_and_rounds() -> None:
    assert (arguments([]), arguments(["--quick"]), arguments(["--rounds", "5"])) == (
        (40_000, 3), (10_000, 1), (40_000, 5),
    )  # fmt: skip


def test_goals_are_told_before_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    conclude([Answers(1, [0.1] * 9_000)], [Answers(1, [0.1] * 3_000)])
    rate, ratio, last = capsys.readouterr().out.splitlines()
    assert [said.split(":")[0] for said in (rate, ratio)] == ["reached"] * 2
    assert json.loads(last) == {"name": "webhooks", "unit": "posts/s", "ours": 9000, "peer": 3000, "ratio": 3}


def test_what_is_posted_is_accepted_and_kept(tmp_path: Path) -> None:
    write_stream(tmp_path / "streams")
    buffer = MemoryBuffer()
    with serving(buffer, tmp_path / "streams") as gateway:
        port = int(gateway.url.rpartition(":")[2])
        found = post(port, requests("/webhooks/departures", KEY, 300), connections=8)
        assert len(found.latencies) == len(kept(buffer)) == 300
        with pytest.raises(CandidateFailed, match="was not accepted"):
            post(port, requests("/webhooks/departures", b"of somebody else", 8), connections=8)
