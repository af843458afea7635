"""RabbitMQ by itself: reachable from this machine only, many side by side, and its data outlive whatever ends it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from datastream.clock import SystemClock
from deployments.stack.ports import listeners, reserved
from deployments.stack.process import Process, family, stop
from deployments.stack.rabbitmq_server import RabbitMQMissing, rabbitmq_service
from deployments.stack.service import Service
from deployments.stack.starter import Starter, silent

ROOT = Path(__file__).resolve().parents[2]
PERSISTENT = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
# An apt-get without lists, which installs what is looked for beside itself.
PACKAGES = """
cd "${0%/*}"
echo $1 >> asked
[ $1 = update ] && exec /bin/touch lists
[ -e lists ] || { echo Unable to locate; exit 100; }
/bin/cp apt-get erl && /bin/cp apt-get rabbitmq-server
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")


class Broker:
    """A broker that can be ended and started again."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.process = Process.unknown(service.mark)

    def start(self) -> None:
        records = Starter([self.service], {}, lambda _records: None, silent, SystemClock()).run()
        self.process = records[self.service.name].process

    @property
    def url(self) -> str:
        return self.service.address


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder = tmp_path_factory.mktemp("a broker")  # a space in its path must not matter
    with reserved(25_672) as port:
        broker = Broker(rabbitmq_service(folder, folder / "server.log", f"rabbitmq@{folder}", port))
        with pytest.MonkeyPatch.context() as elsewhere:
            elsewhere.setenv("RABBITMQ_USE_LONGNAME", "true")
            elsewhere.setenv("ERL_FLAGS", "-name another@example.org")
            broker.start()
        yield broker
        stop(broker.process)


@contextmanager
def talk(url: str) -> Iterator[pika.adapters.blocking_connection.BlockingChannel]:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel


def keep(url: str, queue: str) -> None:
    with talk(url) as channel:
        channel.queue_declare(queue, durable=True)
        channel.basic_publish("", queue, b"kept", PERSISTENT, mandatory=True)


def kept(url: str, queue: str) -> bytes | None:
    with talk(url) as channel:
        return channel.basic_get(queue, auto_ack=True)[2]


def test_nothing_of_it_listens_but_amqp_on_loopback(broker: Broker) -> None:
    assert listeners(family(broker.process)) == {("127.0.0.1", broker.service.port)}


def test_the_process_that_is_known_is_the_server_itself(broker: Broker) -> None:
    assert listeners([broker.process.pid]) == {("127.0.0.1", broker.service.port)}


def test_two_brokers_run_side_by_side_and_share_nothing(broker: Broker, rabbitmq_url: str) -> None:
    keep(broker.url, "apart")
    with talk(rabbitmq_url) as channel, pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
        channel.queue_declare("apart", passive=True)


def test_a_confirmed_message_outlives_a_kill_of_every_process(broker: Broker) -> None:
    """In a queue that was there before this start: one that was just declared RabbitMQ 3.10 forgets at times."""
    with talk(broker.url) as channel:
        channel.queue_declare("killed", durable=True)
    stop(broker.process)
    broker.start()
    keep(broker.url, "killed")
    for pid in family(broker.process):
        with suppress(ProcessLookupError):  # a helper ends with the server that started it
            os.kill(pid, signal.SIGKILL)
    broker.start()
    assert kept(broker.url, "killed") == b"kept"


@pytest.mark.full
def test_a_stop_leaves_no_process_and_every_message(broker: Broker) -> None:
    keep(broker.url, "stopped")
    stop(broker.process)
    assert family(broker.process) == []
    broker.start()
    assert kept(broker.url, "stopped") == b"kept"


def script(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_where_none_is_installed_docker_publishes_one_on_loopback_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(tmp_path, "docker", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    command = rabbitmq_service(tmp_path, tmp_path / "log", "mark", 5000).command
    assert command[:3] == ("docker", "run", "--rm")
    assert [command[at + 1] for at, word in enumerate(command) if word == "--publish"] == ["127.0.0.1:5000:5672"]


def test_where_there_is_neither_the_reason_names_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RabbitMQMissing, match="apt-get install rabbitmq-server"):
        rabbitmq_service(tmp_path, tmp_path / "log", "mark", 5000)


def install(path: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deployments.stack.install_rabbitmq", *flags]
    env = {"PATH": str(path), "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_server_that_cannot_be_installed_is_told_and_fails_only_what_requires_it(tmp_path: Path) -> None:
    wanted, required = install(tmp_path), install(tmp_path, "--required")
    assert (wanted.returncode, required.returncode) == (0, 1)
    assert "events wait" in wanted.stdout
    assert "Install rabbitmq-server" in required.stderr


@needs_root
def test_root_installs_it_and_asks_for_new_lists_where_the_old_ones_lack_it(tmp_path: Path) -> None:
    script(tmp_path, "apt-get", PACKAGES)
    done, again = install(tmp_path, "--required"), install(tmp_path, "--required")
    assert (tmp_path / "asked").read_text().split() == ["install", "update", "install"]
    assert (done.stdout.count("\n"), done.stderr, done.returncode) == (1, "", 0)
    assert (again.stdout, again.returncode) == ("", 0)


@needs_root
def test_an_installation_that_fails_says_what_the_packages_said(tmp_path: Path) -> None:
    script(tmp_path, "apt-get", "echo no route to the mirror; exit 100")
    assert "no route to the mirror" in install(tmp_path, "--required").stderr
