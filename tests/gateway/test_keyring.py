"""Streams and secrets are read again while the gateway runs: what is new counts, what fails keeps what was known."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from datastream.auth import SecretsMissing
from datastream.buffers.memory import MemoryBuffer
from datastream.catalog import Catalog, Stream
from datastream.clock import ManualClock
from datastream.connections import WebhookConfig
from datastream.errors import Transient
from datastream.gateway.keyring import Keyring, NotTaken, StreamsTroubled, StreamsUnread
from deployments.stack.waiting import wait_until
from tests.gateway.serving import API, KEY, Sender, secret, serving, write_stream

SOON = timedelta(seconds=10)
NEW = b"n" * 32


class Secrets:
    """Where secrets are kept; it can be away, or have lost those of a stream."""

    def __init__(self) -> None:
        self.keys: dict[str, list[bytes]] = {"departures": [KEY]}
        self.away = False

    def __call__(self, stream: Stream) -> WebhookConfig:
        if self.away:
            raise Transient("The Prefect server is away.")
        if stream.name not in self.keys:
            raise SecretsMissing(f"The block of {stream.name!r} does not exist.")
        return WebhookConfig(secrets=[SecretStr(secret(key)) for key in self.keys[stream.name]])


@pytest.fixture
def secrets() -> Secrets:
    return Secrets()


@pytest.fixture
def keyring(streams: Path, secrets: Secrets) -> Keyring:
    return Keyring(Catalog(streams), secrets)


def test_before_anything_is_read_nobody_is_told_that_a_stream_does_not_exist(keyring: Keyring) -> None:
    with pytest.raises(StreamsUnread):
        keyring.door("departures")
    with pytest.raises(StreamsUnread, match="not been read yet"):
        keyring.check()


def test_a_stream_has_a_door_and_one_that_is_read_from_an_api_has_none(keyring: Keyring, streams: Path) -> None:
    write_stream(streams, "flights", API)
    keyring.refresh()
    door = keyring.door("departures")
    assert (door.lanes, door.keys, door.tolerance, door.dedup) == (
        ["departures:0"], (KEY,), timedelta(minutes=5), timedelta(days=7),
    )  # fmt: skip
    for name in ("flights", "nobody", ""):
        with pytest.raises(NotTaken):
            keyring.door(name)


def test_while_secrets_are_away_the_old_ones_stay_and_it_is_said(keyring: Keyring, secrets: Secrets) -> None:
    keyring.refresh()
    secrets.away = True
    keyring.refresh()
    assert keyring.door("departures").keys == (KEY,)
    with pytest.raises(StreamsTroubled, match="The Prefect server is away"):
        keyring.check()


def test_secrets_that_are_gone_let_nobody_in(keyring: Keyring, secrets: Secrets) -> None:
    """Somebody deleted them, perhaps because they leaked."""
    keyring.refresh()
    del secrets.keys["departures"]
    keyring.refresh()
    assert keyring.door("departures").keys == ()
    with pytest.raises(StreamsTroubled, match="does not exist"):
        keyring.check()


def test_a_file_that_becomes_wrong_keeps_the_stream_and_holds_up_no_other(
    keyring: Keyring, secrets: Secrets, streams: Path
) -> None:
    keyring.refresh()
    (streams / "departures.yaml").write_text("name: [")
    write_stream(streams, "arrivals")
    secrets.keys["arrivals"] = [KEY]
    keyring.refresh()
    assert (keyring.door("departures").keys, keyring.door("arrivals").keys) == ((KEY,), (KEY,))
    with pytest.raises(StreamsTroubled, match=r"departures\.yaml, line 1: this is not YAML"):
        keyring.check()


def test_a_file_that_was_wrong_from_the_beginning_is_no_reason_to_give_up(keyring: Keyring, streams: Path) -> None:
    (streams / "departures.yaml").write_text("name: [")
    keyring.refresh()
    assert keyring.door("departures").keys == ()


def test_a_stream_that_is_removed_is_gone_but_never_all_of_them_at_once(keyring: Keyring, streams: Path) -> None:
    """A folder that is being replaced must not tell senders to give up."""
    write_stream(streams, "arrivals")
    keyring.refresh()
    (streams / "arrivals.yaml").unlink()
    keyring.refresh()
    with pytest.raises(NotTaken):
        keyring.door("arrivals")
    (streams / "departures.yaml").unlink()
    keyring.refresh()
    assert keyring.door("departures").keys == (KEY,)
    with pytest.raises(StreamsTroubled, match="No webhook stream is described now"):
        keyring.check()


def test_a_reading_that_never_ends_is_told(streams: Path, secrets: Secrets) -> None:
    clock = ManualClock()
    keyring = Keyring(Catalog(streams), secrets, clock=clock)
    keyring.refresh()
    assert keyring.check() == "Posts are taken for departures."
    clock.advance(timedelta(seconds=91))
    with pytest.raises(StreamsUnread, match="could not be read again 3 times, 30 s apart"):
        keyring.check()


@pytest.fixture
def gateway(streams: Path, secrets: Secrets) -> Iterator[Sender]:
    with serving(MemoryBuffer(), streams, resolve=secrets, every=timedelta(seconds=0.05)) as sender:
        yield sender


def test_a_rotated_secret_counts_without_a_restart(gateway: Sender, secrets: Secrets) -> None:
    """Both during the rotation, and then only the new one."""
    assert gateway.post(key=NEW).status_code == 401
    secrets.keys["departures"] = [KEY, NEW]
    assert wait_until(lambda: gateway.post(key=NEW).status_code == 202, SOON)
    assert gateway.post(key=KEY).status_code == 202
    secrets.keys["departures"] = [NEW]
    assert wait_until(lambda: gateway.post(key=KEY).status_code == 401, SOON)
    assert gateway.post(key=NEW).status_code == 202


def test_a_new_stream_is_taken_without_a_restart(gateway: Sender, secrets: Secrets, streams: Path) -> None:
    """At first without its secrets: then posts to it are to come again, and the others are taken."""
    assert gateway.post(stream="arrivals").status_code == 404
    write_stream(streams, "arrivals")
    assert wait_until(lambda: gateway.post(stream="arrivals").status_code == 503, SOON)
    assert wait_until(lambda: "'arrivals' does not exist" in gateway.trouble("streams"), SOON)
    assert gateway.post(stream="departures").status_code == 202
    secrets.keys["arrivals"] = [KEY]
    assert wait_until(lambda: gateway.takes_posts("arrivals"), SOON)
