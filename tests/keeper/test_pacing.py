"""The event that asks for a load."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from deployments.keeper.pacing import event_of


def test_the_event_that_the_manual_shows_is_a_real_one() -> None:
    page = (Path(__file__).parents[2] / "docs/keeper.md").read_text()
    [shown] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    deployment = {"id": "<id>", "name": "departures"}
    real = event_of("departures", 1000, 1000, deployment, datetime(2027, 1, 1, tzinfo=UTC))
    assert real.pop("id")
    assert real.pop("occurred") == "2027-01-01T00:00:00+00:00"
    assert json.loads(shown) == real
