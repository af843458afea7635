"""The live view fits the terminal that it is drawn on, and never leaves out what is wrong."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from deployments.cli.screen import Screen
from deployments.overview import Overview, Work
from deployments.stack import ServiceStatus
from deployments.standing import Standing

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
WELL = Standing("orders", "webhook", 3, NOW, timedelta(minutes=2), 1500, 0, 0)
TITLES = ("Valkey", "RabbitMQ", "Prefect server", "Demo API", "Gateway", "Warm starts", "Workers", "Keeper")
PARTS = [ServiceStatus(t, t, True, 1, "http://127.0.0.1:4200", NOW, Path("x.log")) for t in TITLES]


def drawn(screen: Screen, width: int, height: int) -> list[str]:
    console = Console(file=StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    console.print(screen)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


def many(count: int) -> tuple[Standing, ...]:
    return tuple(replace(WELL, stream=f"s{number:03}") for number in range(count))


@pytest.mark.parametrize("width", [40, 80, 120])
def test_each_stream_has_one_line_that_is_whole(width: int) -> None:
    """A narrow terminal goes without columns, and wraps no word."""
    seen = Overview(NOW, (WELL, replace(WELL, stream="a" * 63)), work=Work(3, 0, 0, 0))
    lines = drawn(Screen(PARTS, seen), width, 40)
    assert max(map(len, lines)) <= width
    [shown] = [line for line in lines if "orders" in line]
    assert "1,500" in shown
    assert "as expected" in shown
    assert sum("aaa" in line for line in lines) == sum("aaa…" in line for line in lines) == 1


def test_a_low_terminal_shows_what_is_wrong_and_counts_the_rest() -> None:
    ill = Standing("zebra", problem="The lake cannot be reached.")
    parts = [*PARTS[:-1], replace(PARTS[-1], running=False)]
    lines = drawn(Screen(parts, Overview(NOW, (*many(300), ill), work=Work(3, 0, 0, 0))), 80, 24)
    assert len(lines) <= 24
    assert "Not running: Keeper. `datastream up` starts what is missing." in lines
    assert "zebra: The lake cannot be reached." in lines
    assert any(line.startswith("│ zebra") for line in lines)
    rows = [line for line in lines if line.startswith("│")]
    assert lines[-1] == f"and {301 - len(rows)} more: `datastream status` shows all"


def test_a_stream_that_comes_by_itself_leaves_the_numbers_of_the_others_to_the_right() -> None:
    seen = Overview(NOW, (WELL, replace(WELL, stream="flights", kind="api", waiting=None)))
    [shown] = [line for line in drawn(Screen(PARTS, seen), 120, 40) if "orders" in line]
    assert "│   1,500 │" in shown
