"""The RabbitMQ server: one node that nobody but this machine can reach, with all it keeps below its own folder.

Only AMQP listens, on loopback. There is no Erlang distribution and no epmd, so any number of nodes run side by side
and the machine's name need not resolve; `rabbitmqctl` cannot reach such a node. `rabbitmq.conf` in its folder is read.
"""

import os
import shutil
import subprocess
import zlib
from collections.abc import Mapping
from pathlib import Path

from datastream.errors import Permanent
from deployments.stack import answers
from deployments.stack.ports import LOOPBACK
from deployments.stack.service import Service

NAME = "rabbitmq"
TITLE = "RabbitMQ"
PORT = 5672
IMAGE = "rabbitmq:3.13"
# Its data bear the node's name: with the folder in the name they would be lost when the project is moved.
NODE = "rabbit@localhost"
# A node makes itself known to the epmd of its port once a minute; that of another server must not learn of it.
NOWHERE = "1"
ALONE = f"-dist_listen false -start_epmd false -erl_epmd_port {NOWHERE}"
SECONDS = 10.0


class RabbitMQMissing(Permanent):
    """There is no server to start."""

    def __init__(self) -> None:
        super().__init__(
            "No RabbitMQ server is installed, and docker has no image of it. "
            f"Run 'apt-get install rabbitmq-server' as root, or 'docker pull {IMAGE}'."
        )


def rabbitmq_service(folder: Path, log: Path, mark: str, port: int) -> Service:
    """Describe a server on `port` whose data lives in `folder`. Raises RabbitMQMissing."""
    if server := _installed():
        return _node(server, folder, log, mark, port)
    if _image_here():
        return _container(folder, log, mark, port)
    raise RabbitMQMissing


def provided() -> bool:
    """Tell whether there is a server to start."""
    return _installed() is not None or _image_here()


def docker_works() -> bool:
    """Tell whether docker could run a server."""
    return _docker("info")


def _installed() -> Path | None:
    # Debian's command changes the user; the server itself lies beside the file that the command is a link to.
    command = shutil.which(NAME + "-server", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    return Path(command).resolve().with_name(NAME + "-server") if command and shutil.which("erl") else None


def _image_here() -> bool:
    return _docker("image", "inspect", IMAGE)


def _docker(*asked: str) -> bool:
    try:
        return subprocess.run(["docker", *asked], capture_output=True, timeout=SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _node(server: Path, folder: Path, log: Path, mark: str, port: int) -> Service:
    return Service(
        name=NAME,
        title=TITLE,
        command=(str(server), "-sname", NODE),
        env=_surroundings(folder, port),
        folder=folder,
        log=log,
        mark=mark,
        address=_address(port),
        port=port,
        works=lambda _process: answers.amqp(port),
        foreign=("RABBITMQ_", "ERL_", "NOTIFY_SOCKET"),
    )


def _surroundings(folder: Path, port: int) -> Mapping[str, str]:
    return {
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        # What the machine's own server is told lies in /etc and is not for this one.
        "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(folder / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RUNNING_UNDER_SYSTEMD": "true",  # lets the script become the server, where it would stay in between
        "HOME": str(folder),  # the cookie lies there
        "ERL_EPMD_PORT": NOWHERE,
        "ERL_FLAGS": ALONE,  # not in the command: the helpers that a node starts have to be alone too
    }


def _container(folder: Path, log: Path, mark: str, port: int) -> Service:
    # Its client passes on the request to end. One that is killed leaves the container, which the next start removes.
    name = f"datastream-{NAME}-{zlib.crc32(str(folder).encode()):08x}"
    user = ("--user", f"{os.getuid()}:{os.getgid()}")
    data = ("--mount", f"type=bind,source={folder},target=/var/lib/rabbitmq")
    reach = ("--publish", f"{LOOPBACK}:{port}:{PORT}", "--env", f"RABBITMQ_NODENAME={NODE}")
    return Service(
        name=NAME,
        title=TITLE,
        command=("docker", "run", "--rm", "--pull", "never", "--name", name, *user, *data, *reach, IMAGE),
        env={},
        folder=folder,
        log=log,
        mark=mark,
        address=_address(port),
        port=port,
        works=lambda _process: answers.amqp(port),
        before=lambda: _clear(name),
        relayed=True,
    )


def _clear(container: str) -> None:
    _docker("rm", "--force", container)


def _address(port: int) -> str:
    return f"amqp://guest:guest@{LOOPBACK}:{port}/%2F"
