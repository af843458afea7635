"""The services of the local stack, and the variables by which a process finds them."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deployments.stack import answers
from deployments.stack.home import Home
from deployments.stack.ports import LOOPBACK
from deployments.stack.prefect_server import QUIET, server_service, worker_service
from deployments.stack.service import Service
from deployments.stack.valkey_server import valkey_service

# Where each prefers to listen; the worker listens nowhere.
PORTS: Mapping[str, int] = {"valkey": 6379, "demo": 8390, "prefect": 4200}
# In the order of stopping: who needs the others goes first.
TITLES: Mapping[str, str] = {
    "worker": "Worker",
    "demo": "Demo API",
    "prefect": "Prefect server",
    "valkey": "Valkey",
}


def services(home: Home, ports: Mapping[str, int]) -> tuple[Service, ...]:
    """Describe every service of this stack on the ports that were chosen."""
    valkey = valkey_service(home.folder / "valkey", home.log("valkey"), home.mark("valkey"), ports["valkey"])
    server = server_service(home.folder / "prefect", home.log("prefect"), home.mark("prefect"), ports["prefect"])
    demo = demo_service(home.project, home.log("demo"), home.mark("demo"), ports["demo"])
    env = variables(home, prefect=server.address, valkey=valkey.address, demo=demo.address)
    worker = worker_service(home.project, home.log("worker"), home.mark("worker"), ports["prefect"], env)
    return valkey, demo, server, worker


def variables(home: Home, *, prefect: str, valkey: str, demo: str) -> dict[str, str]:
    """Name what a process needs to work with this stack; a lake that the caller's environment names is kept."""
    return {
        **QUIET,
        "PREFECT_API_URL": f"{prefect}/api",
        "PREFECT_HOME": str(home.folder / "prefect"),
        "DATASTREAM_PROJECT": str(home.project),
        "DATASTREAM_LAKE_URI": os.environ.get("DATASTREAM_LAKE_URI") or home.lake_uri,
        "DATASTREAM_REDIS_URL": valkey,
        "DATASTREAM_DEMO_URL": demo,
    }


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
