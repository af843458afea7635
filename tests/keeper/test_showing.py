"""The overview in the Prefect UI: one artifact, written over."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployments.keeper.showing import Board
from deployments.overview import KEY, Overview
from tests.keeper.conftest import Patient

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Looks:
    """Sees the platform a minute later each time."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Overview:
        self.count += 1
        return Overview(NOW + self.count * timedelta(minutes=1), ())


@pytest.fixture
def shown(server: Patient) -> Iterator[Patient]:
    yield server
    for found in artifacts(server):
        server.delete(f"/artifacts/{found['id']}")


def artifacts(server: Patient) -> list[dict[str, Any]]:
    return server.all("/artifacts/filter", {"artifacts": {"key": {"any_": [KEY]}}})


def test_it_takes_no_more_room_however_often_it_is_written(shown: Patient) -> None:
    """Also where another keeper began it."""
    looks = Looks()
    for _ in range(2):
        board = Board(shown, looks)
        board.show()
        board.show()
    [found] = artifacts(shown)
    [latest] = shown.post("/artifacts/latest/filter", {"artifacts": {"key": {"any_": [KEY]}}})
    assert found["data"] == latest["data"]
    assert found["data"].startswith("As of 2026-11-29 12:04:00 UTC.")


def test_one_that_somebody_deleted_is_made_again(shown: Patient) -> None:
    board = Board(shown, Looks())
    board.show()
    [found] = artifacts(shown)
    shown.delete(f"/artifacts/{found['id']}")
    board.show()
    assert len(artifacts(shown)) == 1
