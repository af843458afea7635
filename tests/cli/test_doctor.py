"""`datastream doctor` and `datastream status`: what is there, what is wrong, and the way out."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_commands import Shell
from tests.conftest import World, orders
from tests.events.rabbit import Rabbit

POSTED = """
name: orders
source: {kind: webhook, block: webhook-source/orders}
suite: orders
"""


@pytest.fixture
def shell(tmp_path: Path, suites: Path) -> Shell:
    (tmp_path / "streams").mkdir()
    (tmp_path / "streams" / "orders.yaml").write_text(POSTED)
    (tmp_path / "prefect.yaml").write_text("deployments: []")
    assert suites.exists()
    return Shell(tmp_path)


@pytest.fixture
def broker(rabbitmq_url: str) -> Iterator[str]:
    """The broker, without our queues before and after."""
    rabbit = Rabbit(rabbitmq_url)
    yield rabbitmq_url
    rabbit.close()


def findings(shell: Shell, **env: str) -> dict[str, dict[str, object]]:
    done = shell("doctor", "--json", **env)
    assert "Traceback" not in done.stderr, done.stderr
    return {found["what"]: found for found in json.loads(done.stdout)}


def test_what_is_well_is_said_to_be(shell: Shell, valkey_url: str, broker: str) -> None:
    found = findings(shell, DATASTREAM_REDIS_URL=valkey_url, DATASTREAM_RABBITMQ_URL=broker)
    well = {what: row["said"] for what, row in found.items() if row["ok"]}
    assert well["stream orders"] == "It comes by webhook and has to meet 2 expectations of 'orders'."
    assert "the first run makes it" in str(well["lake"])
    assert "appends to disk and evicts nothing" in str(well["buffer"])
    assert "RabbitMQ at 127.0.0.1" in str(well["event bus"])


def test_looking_at_a_lake_that_there_is_tries_it(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    assert "lets one writer win" in str(findings(shell)["lake"]["said"])


def test_a_bus_that_is_not_named_is_no_fault_and_a_buffer_is_where_streams_are_posted(shell: Shell) -> None:
    found = findings(shell)
    assert "the lake's log keeps what there is to announce" in str(found["event bus"]["said"])
    assert (found["event bus"]["ok"], found["buffer"]["ok"]) == (True, False)
    assert "orders comes by webhook" in str(found["buffer"]["said"])


WRONG = {
    "buffer": ({"DATASTREAM_REDIS_URL": "redis://127.0.0.1:9/0"}, "is it up?"),
    "event bus": ({"DATASTREAM_RABBITMQ_URL": "amqp://127.0.0.1:9/"}, "Is it running"),
    "lake": ({"DATASTREAM_LAKE_URI": "file:///proc/version"}, "make the folder writable"),
    "Prefect server": ({"PREFECT_API_URL": "http://127.0.0.1:9/api"}, "datastream up"),
}


@pytest.mark.parametrize(("what", "env", "said"), [(what, *case) for what, case in WRONG.items()], ids=WRONG.keys())
def test_what_is_wrong_is_told_with_the_way_out(shell: Shell, what: str, env: dict[str, str], said: str) -> None:
    found = findings(shell, **env)
    assert not found[what]["ok"]
    assert said in str(found[what]["said"])


def test_a_stream_that_is_wrong_is_told_and_the_others_are_looked_at(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "streams" / "broken.yaml").write_text("name: broken\n")
    (tmp_path / "streams" / "lost.yaml").write_text(POSTED.replace("orders", "lost"))
    done = shell.by_itself("doctor")
    assert done.returncode == 1
    assert "broken.yaml, line 1" in done.stdout
    assert "lost.json" in done.stdout
    assert "need looking after" in done.stderr


def test_status_tells_how_each_stream_stands(world: World, shell: Shell, valkey_url: str) -> None:
    world.api.records = orders(40)
    world.run()
    done = shell.by_itself("status", "--json", DATASTREAM_REDIS_URL=valkey_url)
    told = json.loads(done.stdout)
    [stream] = told["streams"]
    assert done.returncode == 1, "nothing runs here"
    assert {part["part"] for part in told["parts"]} >= {"Valkey", "Prefect server", "Workers", "RabbitMQ"}
    assert (stream["stream"], stream["kind"], stream["commits"], stream["waiting"]) == ("orders", "webhook", 1, 0)
    assert (stream["unannounced"], stream["problem"]) == (1, None)


def test_status_shows_a_stream_that_cannot_be_asked(shell: Shell) -> None:
    done = shell("status", DATASTREAM_REDIS_URL="redis://127.0.0.1:9/0")
    assert "orders: Redis does not answer as it should" in done.stderr
    assert "Traceback" not in done.stderr
