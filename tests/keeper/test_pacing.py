"""When to ask for a load: enough waits, and nobody is there who would take it."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deployments.keeper.pacing import Asked, event_of, wanted

QUIET = timedelta(minutes=5)


def test_a_load_is_asked_for_once_enough_waits_and_not_before() -> None:
    assert not wanted(999, 1000, 0, 1, None, QUIET)
    assert wanted(1000, 1000, 0, 1, None, QUIET)


def test_while_a_run_is_under_way_none_is_asked_for() -> None:
    assert not wanted(5000, 1000, 1, 1, None, QUIET)


def test_a_stream_of_several_lanes_may_have_a_run_for_each() -> None:
    assert wanted(5000, 1000, 3, 4, None, QUIET)
    assert not wanted(5000, 1000, 4, 4, None, QUIET)


def test_what_was_asked_for_is_not_asked_for_again_until_it_is_answered() -> None:
    assert not wanted(1000, 1000, 0, 1, Asked(timedelta(seconds=1), answered=False), QUIET)
    assert wanted(1000, 1000, 0, 1, Asked(timedelta(seconds=1), answered=True), QUIET)


def test_after_a_run_that_failed_it_is_asked_again_when_the_streams_interval_is_over() -> None:
    assert not wanted(1000, 1000, 0, 1, Asked(QUIET - timedelta(seconds=1), answered=False), QUIET)
    assert wanted(1000, 1000, 0, 1, Asked(QUIET, answered=False), QUIET)


def test_the_event_that_the_manual_shows_is_a_real_one() -> None:
    page = (Path(__file__).parents[2] / "docs/keeper.md").read_text()
    [shown] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    deployment = {"id": "<id>", "name": "departures"}
    real = event_of("departures", 1000, 1000, deployment, datetime(2027, 1, 1, tzinfo=UTC))
    assert real.pop("id")
    assert real.pop("occurred") == "2027-01-01T00:00:00+00:00"
    assert json.loads(shown) == real
