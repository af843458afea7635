"""What an answer says of how often its API may be asked, as APIs say it."""

from datetime import UTC, datetime, timedelta

import pytest

from datastream.resilience.budget import Said
from datastream.sources.limits import said_by, wait_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MOMENT = int(NOW.timestamp())
WAITS = {
    "7": 7.0,
    "1.5": 1.5,
    " 30 ": 30.0,
    "0": 0.0,
    str(MOMENT + 90): 90.0,
    str((MOMENT + 90) * 1000): 90.0,
    str(MOMENT - 90): 0.0,
    "Thu, 01 Jan 2026 12:02:00 GMT": 120.0,
    "2026-01-01T12:00:10Z": 10.0,
    "9999999": 86400.0,
    "9" * 5000: 86400.0,
}


@pytest.mark.parametrize(("value", "seconds"), WAITS.items())
def test_a_wait_is_read_in_every_form(value: str, seconds: float) -> None:
    assert wait_of(value, NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "nan", "inf", "1e400", "0x10", "\x00"])
def test_what_is_no_wait_is_none(value: str | None) -> None:
    assert wait_of(value, NOW) is None


@pytest.mark.parametrize("prefix", ["RateLimit", "X-RateLimit", "X-Rate-Limit"])
def test_remaining_requests_are_read_with_their_window(prefix: str) -> None:
    headers = {f"{prefix}-Limit": "100", f"{prefix}-Remaining": "3", f"{prefix}-Reset": "20"}
    assert said_by(200, headers, NOW) == Said(remaining=3, reset=timedelta(seconds=20))


def test_retry_after_is_a_rest_only_where_the_api_is_busy() -> None:
    headers = {"Retry-After": "20"}
    assert (said_by(429, headers, NOW), said_by(200, headers, NOW)) == (Said(rest=timedelta(seconds=20)), Said())


@pytest.mark.parametrize(
    "text",
    [
        '"default";r=3;t=20',
        '"burst";r=40;t=1, "day";r=3;t=20',
        "limit=100, remaining=3, reset=20",
    ],
)
def test_remaining_requests_are_read_from_one_header(text: str) -> None:
    assert said_by(200, {"RateLimit": text}, NOW) == Said(remaining=3, reset=timedelta(seconds=20))


@pytest.mark.parametrize("text", ["", "r=3", '"default";q=100;w=60', "remaining=3", '"x";r=soon;t=20', '"x";r=3;t=0'])
def test_one_header_that_says_less_says_nothing(text: str) -> None:
    assert said_by(200, {"RateLimit": text}, NOW) == Said()


def test_a_busy_api_that_says_when_its_window_ends_is_left_alone_until_then() -> None:
    headers = {"X-RateLimit-Reset": str(MOMENT + 90)}
    assert (said_by(429, headers, NOW), said_by(200, headers, NOW)) == (Said(rest=timedelta(seconds=90)), Said())
    later = {**headers, "Retry-After": "5"}
    assert said_by(429, later, NOW) == Said(rest=timedelta(seconds=5)), "what it asks for counts"


def test_remaining_requests_without_a_window_say_nothing() -> None:
    assert said_by(200, {"X-RateLimit-Remaining": "0"}, NOW) == Said()
