"""The cursor moves when a window is read, to what was seen, and not beyond the moment the window was opened."""

from datetime import UTC, datetime

import msgspec
import pytest

from datastream.catalog import Cursor
from datastream.sources.window import cursor_after, from_wire, open_window
from tests.conftest import stream_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_the_first_window_begins_at_the_initial_value() -> None:
    window = open_window(stream_of(), None, NOW)
    assert (window.since, window.until) == ("2026-01-01T00:00:00Z", "2026-06-01T12:00:00Z")
    assert window.params == {"since": "2026-01-01T00:00:00Z"}


def test_the_next_window_begins_a_lag_before_the_cursor() -> None:
    assert open_window(stream_of(), "2026-03-01T10:00:00Z", NOW).since == "2026-03-01T09:00:00Z"


def test_the_lag_does_not_go_before_the_initial_value() -> None:
    assert open_window(stream_of(), "2026-01-01T00:10:00Z", NOW).since == "2026-01-01T00:00:00Z"


def test_a_stream_without_a_cursor_asks_for_everything() -> None:
    window = open_window(stream_of(source={"cursor": None, "params": {"state": "all"}}), None, NOW)
    assert (window.since, window.params, window.label) == (None, {"state": "all"}, "everything")


@pytest.mark.parametrize(
    ("greatest", "cursor"),
    [("2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z"), ("2030-01-01T00:00:00Z", "2026-06-01T12:00:00Z")],
)
def test_the_cursor_goes_to_the_greatest_value_but_not_into_the_future(greatest: str, cursor: str) -> None:
    """A row dated in the future would make the stream skip everything until then."""
    spec = stream_of().source.cursor
    assert spec is not None
    window = msgspec.structs.replace(open_window(stream_of(), None, NOW), greatest=greatest)
    assert cursor_after(window, spec) == cursor


def test_a_cursor_may_be_a_number() -> None:
    spec = Cursor(field="id", param="after", initial=0)
    stream = stream_of(source={"cursor": {"field": "id", "param": "after", "initial": 0}})
    window = open_window(stream, 41, NOW)
    assert (window.since, window.until, window.params) == (41, None, {"after": 41})
    assert cursor_after(msgspec.structs.replace(window, greatest=99), spec) == 99


@pytest.mark.parametrize("value", ["yesterday", 5, None, "", {"a": 1}])
def test_what_is_no_time_is_no_cursor_value(value: object) -> None:
    assert from_wire(value, NOW) is None


def test_times_are_compared_in_utc_whatever_zone_they_are_written_in() -> None:
    assert from_wire("2026-06-01T14:00:00+02:00", NOW) == NOW
