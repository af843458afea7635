"""The webhook of alerts: signed by the standard, once a receiver has taken it and not before, and nowhere else."""

import base64
import json
import socket
from collections.abc import Iterator

import pytest
from pydantic import SecretStr, ValidationError
from standardwebhooks.webhooks import Webhook

from datastream.catalog import Retention
from datastream.connections import AlertsConfig
from datastream.events.memory import MemoryBus
from datastream.events.webhook import ReceiverAway, WebhookBus
from datastream.lake import layout, upkeep
from datastream.lake.log import Log
from datastream.lake.store import MemoryStore
from datastream.lake.upkeep import SweepPolicy
from datastream.settings import Settings, SettingsWrong
from tests.events.rabbit import event
from tests.fake_api import FakeApi, serving
from tests.health.kept import DAY, HOUR, Kept

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()


@pytest.fixture
def receiver() -> Iterator[FakeApi]:
    """Answers with `status`, and keeps what came."""
    with serving(FakeApi()) as api:
        answering(api, 204)
        yield api


def answering(api: FakeApi, status: int, **headers: str) -> None:
    api.pages = lambda _: (status, headers, b"")


def config_of(url: str) -> AlertsConfig:
    return AlertsConfig(url=SecretStr(url), secret=SecretStr(SECRET))


@pytest.fixture
def kept(receiver: FakeApi) -> Kept:
    kept = Kept(MemoryStore(), alerts=WebhookBus(config_of(f"{receiver.url}/hook?team=data")))
    kept.expect(fresh_within="PT1H")
    kept.load()
    kept.check()
    kept.clock.advance(2 * HOUR)
    return kept


def test_a_post_is_signed_so_that_the_reference_library_accepts_it(receiver: FakeApi) -> None:
    WebhookBus(config_of(receiver.url)).publish([event(7, what="incident-opened")])
    [post] = receiver.requests
    assert post.method == "POST"
    assert Webhook(SECRET).verify(post.body, {name.lower(): value for name, value in post.headers.items()})
    headers = {name.lower(): value for name, value in post.headers.items()}
    assert (headers["webhook-id"], headers["content-type"]) == ("orders/0/7/1", "application/cloudevents+json")


def test_a_receiver_that_fails_first_gets_each_alert_once_it_is_back(kept: Kept, receiver: FakeApi) -> None:
    answering(receiver, 503)
    kept.check()
    kept.clock.advance(HOUR)
    kept.check()
    assert {json.loads(post.body)["id"] for post in receiver.requests} == {"_quality/orders/2/1"}
    before = len(receiver.requests)
    answering(receiver, 200)
    for _ in range(3):
        kept.load()
        kept.check()
    posts = [json.loads(post.body) for post in receiver.requests[before:]]
    assert [(post["type"], post["data"]["id"]) for post in posts] == [
        ("datastream.incident-opened", "orders/freshness/1"),
        ("datastream.incident-closed", "orders/freshness/1"),
    ]


def test_the_bus_is_told_although_the_receiver_is_away(kept: Kept, receiver: FakeApi) -> None:
    answering(receiver, 500)
    kept.check()
    assert kept.told == [("_quality/orders/2/1", "orders.incident-opened")]


def test_a_receiver_that_is_named_later_is_not_told_of_the_past(receiver: FakeApi) -> None:
    kept = Kept()
    kept.expect(fresh_within="PT1H")
    kept.check()
    assert kept.open == ["orders/freshness/1"]
    kept.alerts = WebhookBus(config_of(receiver.url))
    kept.check()
    assert receiver.requests == []
    for _ in range(2):
        kept.load()
        kept.check()
    assert len(receiver.requests) == 1
    assert list(kept.store.keys("_alerts/")) == [layout.announced(layout.QUALITY, "orders", 4, "alerts")]


def test_a_receiver_that_was_away_for_longer_than_rows_are_kept_is_told_of_what_is_left(kept: Kept) -> None:
    receiver, kept.alerts = kept.alerts, None
    for _ in range(6):
        kept.load(after=DAY)
        kept.check()
    upkeep.expire(kept.store, layout.QUALITY, Retention(data=2 * DAY, log=DAY), kept.clock.now(), "r")
    upkeep.sweep(kept.store, layout.QUALITY, kept.clock.now(), "r", SweepPolicy(grace=DAY * 0))
    assert Log(kept.store, layout.QUALITY, "orders").manifest(2) is None
    kept.alerts, kept.bus = MemoryBus(), MemoryBus()
    kept.clock.advance(2 * HOUR)
    kept.check()
    assert [event.routing_key for event in kept.alerts.published] == ["orders.incident-opened"]
    receiver.close()


def test_nobody_is_followed_elsewhere(receiver: FakeApi) -> None:
    answering(receiver, 307, Location="/other")
    with pytest.raises(ReceiverAway, match="answered 307: it sends us elsewhere"):
        WebhookBus(config_of(receiver.url)).publish([event(1)])
    assert receiver.asked == ["/"]


def test_no_proxy_of_the_environment_is_asked(receiver: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    WebhookBus(config_of(receiver.url)).publish([event(1)])
    assert len(receiver.requests) == 1


def test_what_goes_wrong_is_told_without_the_address() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        bus = WebhookBus(config_of(f"http://127.0.0.1:{nobody.getsockname()[1]}/token-of-ours"))
        with pytest.raises(ReceiverAway, match="gave no answer") as raised:
            bus.publish([event(1)])
    assert "token-of-ours" not in str(raised.value)


@pytest.mark.parametrize("url", ["ftp://host/x", "https://", "https://name:word@host/", "host"])
def test_what_is_no_address_to_post_to_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="no address to post to"):
        config_of(url)


def test_an_address_without_a_secret_is_refused_by_the_names_of_the_settings(tmp_path) -> None:
    settings = Settings(project=tmp_path, alert_webhook_url=SecretStr("https://alerts.example.org/hook"))
    with pytest.raises(SettingsWrong, match="DATASTREAM_ALERT_WEBHOOK_SECRET cannot be used: it is not whsec_"):
        _ = settings.alerts
    assert Settings(project=tmp_path).alerts is None
