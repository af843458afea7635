"""Secrets of webhooks as a Prefect block, on a real Prefect server: kept, hidden, missed, and used by the gateway."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from deployments.stack.waiting import wait_until
from tests.flows.conftest import python
from tests.gateway.processes import SOON, a_gateway
from tests.gateway.serving import KEY, secret, sender, write_stream

OTHER = b"o" * 24
SAVE = f"""
from blocks import WebhookSource
WebhookSource(secrets={[secret(KEY), secret(OTHER)]}).save("departures", overwrite=True)
"""
ASK = """
from datastream.catalog import Stream
from datastream.errors import DatastreamError
from blocks.webhook_source import webhook_of

def ask(block):
    source = {"kind": "webhook", "block": block}
    try:
        print(webhook_of(Stream(name="departures", source=source, suite="x")).keys)
    except DatastreamError as error:
        print(type(error).__name__, error)
"""


def test_secrets_survive_a_block_and_are_shown_by_nobody(prefect: dict[str, str]) -> None:
    show = "print(WebhookSource.load('departures'))"
    keys, shown = python(prefect, SAVE, ASK, "ask('webhook-source/departures')", show)
    assert keys == str([KEY, OTHER])
    assert "SecretStr('**********')" in shown
    assert secret() not in shown


def test_a_block_that_is_not_there_is_told_and_is_not_the_same_as_a_server_that_is_away(
    prefect: dict[str, str],
) -> None:
    blocks = ("webhook-source/nobody", "departures", "api-source/departures")
    nobody, bare, other = python(prefect, ASK, *(f"ask({block!r})" for block in blocks))
    assert nobody.startswith("SecretsMissing")
    assert "from the block 'webhook-source/nobody', which does not exist" in nobody
    assert "SecretsMissing" in bare
    assert "such a block is called webhook-source/NAME" in other


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/api", "cannot be read from http://127.0.0.1:9/api"),
        ("", "no Prefect server is named: set PREFECT_API_URL"),
    ],
)
def test_a_server_that_is_away_is_told(prefect: dict[str, str], url: str, said: str) -> None:
    (found,) = python({**prefect, "PREFECT_API_URL": url}, ASK, "ask('webhook-source/departures')")
    assert found.startswith("BlockUnread")
    assert said in found


def test_the_gateway_takes_its_secrets_from_the_block(prefect: dict[str, str], valkey_url: str, tmp_path: Path) -> None:
    python(prefect, SAVE)
    write_stream(tmp_path / "streams", source="{kind: webhook, block: webhook-source/departures}")
    with ExitStack() as opened:
        gateway = opened.enter_context(a_gateway(tmp_path, valkey_url, **prefect))
        one = opened.enter_context(sender(gateway.url))
        assert wait_until(one.takes_posts, SOON)
        assert one.post(key=OTHER).status_code == 202
        assert one.post(key=b"x" * 24).status_code == 401
        assert secret() not in gateway.said()
