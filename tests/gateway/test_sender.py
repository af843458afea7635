"""The sender of the main job, and what becomes of its posts."""

from pathlib import Path

import pytest

from datastream.buffers.redis import RedisBuffer
from datastream.clock import ManualClock
from deployments.demo.flights import load
from deployments.demo.sender import GatewayAway, GatewayStrange, Post, Sender, departures
from tests.gateway.serving import KEY, kept, serving, write_stream


def test_departures_are_new_once_repeats_ever_after_and_forged_ones_refused(
    buffer: RedisBuffer, tmp_path: Path
) -> None:
    """2,120 posts: 2,000 distinct, 100 of them twice, 20 forged; then all of them again."""
    write_stream(tmp_path / "streams")
    posts = departures(load())
    with serving(buffer, tmp_path / "streams") as gateway:
        sender = Sender(f"{gateway.url}/webhooks/departures", KEY)
        first, second = sender.send(posts), sender.send(posts)
    assert len(posts) == 2_120
    assert first == {"202 accepted": 2_000, "202 repeat": 100, "401": 20}
    assert second == {"202 repeat": 2_100, "401": 20}
    assert len(kept(buffer)) == 2_000


def test_a_gateway_that_is_away_is_tried_again_and_then_told() -> None:
    clock = ManualClock()
    with pytest.raises(GatewayAway, match="Is the gateway up"):
        Sender("http://127.0.0.1:9/webhooks/departures", KEY, clock).send([Post("a", b"{}")])
    assert len(clock.slept) == 5


def test_an_answer_that_no_sender_expects_is_told(buffer: RedisBuffer, tmp_path: Path) -> None:
    write_stream(tmp_path / "streams")
    with serving(buffer, tmp_path / "streams") as gateway:
        sender = Sender(f"{gateway.url}/webhooks/elsewhere", KEY)
        with pytest.raises(GatewayStrange, match="answered 404"):
            sender.send([Post("a", b"{}")])
