"""The services of the local stack, and the variables by which a process finds them."""

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deployments.stack import answers
from deployments.stack.home import Home
from deployments.stack.ports import LOOPBACK
from deployments.stack.prefect_server import QUIET, server_service, workers_service
from deployments.stack.rabbitmq_server import RabbitMQMissing, rabbitmq_service
from deployments.stack.service import Absent, Service
from deployments.stack.valkey_server import valkey_service
from deployments.stack.warm_starts import warm_service

# Where each prefers to listen; workers, keeper and warm starts listen nowhere.
PORTS: Mapping[str, int] = {"valkey": 6379, "rabbitmq": 5672, "gateway": 8391, "demo": 8390, "prefect": 4200}
# In the order of stopping: who needs the others goes first.
TITLES: Mapping[str, str] = {
    "keeper": "Keeper",
    "workers": "Workers",
    "warm": "Warm starts",
    "gateway": "Gateway",
    "demo": "Demo API",
    "prefect": "Prefect server",
    "rabbitmq": "RabbitMQ",
    "valkey": "Valkey",
}
BROKER_URL = "DATASTREAM_RABBITMQ_URL"


def services(home: Home, ports: Mapping[str, int], *, scheduled: bool = True) -> tuple[Service | Absent, ...]:
    """Describe every service of this stack on the ports that were chosen, and say which it goes without."""
    valkey = valkey_service(home.folder / "valkey", home.log("valkey"), home.mark("valkey"), ports["valkey"])
    server = server_service(
        home.folder / "prefect", home.log("prefect"), home.mark("prefect"), ports["prefect"], scheduled=scheduled
    )
    demo = demo_service(home.project, home.log("demo"), home.mark("demo"), ports["demo"])
    broker = broker_service(home, ports["rabbitmq"])
    events = broker.address if isinstance(broker, Service) else None
    env = variables(home, prefect=server.address, valkey=valkey.address, demo=demo.address, rabbitmq=events)
    workers = workers_service(home.project, home.log("workers"), home.mark("workers"), ports["prefect"], env)
    gateway = gateway_service(home, ports["gateway"], env)
    warm = warm_service(home.project, home.log("warm"), home.mark("warm"))
    return valkey, broker, demo, gateway, server, warm, workers, keeper_service(home, env)


def variables(home: Home, *, prefect: str, valkey: str, demo: str, rabbitmq: str | None) -> dict[str, str]:
    """Name what a process needs to work with this stack; a lake or broker that the caller's environment names is kept.

    A broker that does not come up, or goes away later, stays named: events wait for it in the lake's log.
    """
    broker = named_broker() or rabbitmq
    return {
        **QUIET,
        "PREFECT_API_URL": f"{prefect}/api",
        "PREFECT_HOME": str(home.folder / "prefect"),
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # the least there is; who misses three is dead
        "DATASTREAM_PROJECT": str(home.project),
        "DATASTREAM_LAKE_URI": os.environ.get("DATASTREAM_LAKE_URI") or home.lake_uri,
        "DATASTREAM_REDIS_URL": valkey,
        "DATASTREAM_DEMO_URL": demo,
        **({BROKER_URL: broker} if broker else {}),
    }


def named_broker() -> str | None:
    """Return the address of the broker that the caller's environment names; the stack then needs none of its own."""
    return os.environ.get(BROKER_URL) or None


def broker_service(home: Home, port: int) -> Service | Absent:
    """Describe the broker on which commits are announced, or say why there is none of our own."""
    if named_broker():
        return Absent("rabbitmq", TITLES["rabbitmq"], home.mark("rabbitmq"), f"{BROKER_URL} names another.")
    try:
        service = rabbitmq_service(home.folder / "rabbitmq", home.log("rabbitmq"), home.mark("rabbitmq"), port)
        return replace(service, optional=True)
    except RabbitMQMissing as missing:
        return Absent("rabbitmq", TITLES["rabbitmq"], home.mark("rabbitmq"), str(missing))


def gateway_service(home: Home, port: int, env: Mapping[str, str]) -> Service:
    """Describe the gateway. It needs nobody to live: what is away it names, and waits for."""
    return Service(
        name="gateway",
        title=TITLES["gateway"],
        command=(sys.executable, "-m", "deployments.cli", "gateway", "--port", str(port), "--without-streams"),
        env=env,
        folder=home.project,
        log=home.log("gateway"),
        mark=home.mark("gateway"),
        address=f"http://{LOOPBACK}:{port}",
        port=port,
        works=lambda _process: answers.http(port, "/health/live"),
    )


def keeper_service(home: Home, env: Mapping[str, str]) -> Service:
    """Describe the keeper. It begins after the workers, before which is put right what a stopped stack left behind."""
    return Service(
        name="keeper",
        title=TITLES["keeper"],
        command=(sys.executable, "-m", "deployments.cli", "keeper"),
        env=env,
        folder=home.project,
        log=home.log("keeper"),
        mark=home.mark("keeper"),
        address=f"for {env['PREFECT_API_URL']}",
        port=None,
        works=lambda _process: answers.said(home.log("keeper"), "Keeping runs"),
        after=("workers",),
    )


def demo_service(folder: Path, log: Path, mark: str, port: int) -> Service:
    """Describe the REST API of real flights."""
    return Service(
        name="demo",
        title=TITLES["demo"],
        command=(sys.executable, "-m", "deployments.demo", "--port", str(port)),
        env={},
        folder=folder,
        log=log,
        mark=mark,
        address=f"http://{LOOPBACK}:{port}",
        port=port,
        works=lambda _process: answers.http(port, "/health"),
    )
