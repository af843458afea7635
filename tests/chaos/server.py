"""A Valkey that can be killed, emptied, copied while it runs, and put back to an older copy of itself."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import redis
from pydantic import SecretStr

from datastream.connections import BufferConfig
from deployments.stack import answers
from deployments.stack.ports import LOOPBACK, reserved
from deployments.stack.valkey_server import DURABLE, RECOGNISABLE, binary
from deployments.stack.waiting import wait_until

_FIRST_PORT = 26_379
_FSYNC_EACH = ("--appendfsync", "always")  # what was answered is on disk, so that each lost record is the product's
_PATIENCE = timedelta(seconds=20)


class Valkey:
    """One server, its folder, and what can befall it."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self._folder, self._copy, self._port = folder / "data", folder / "copy", port
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://{LOOPBACK}:{port}/0"
        self.config = BufferConfig(url=SecretStr(self.url))

    def start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        listen = ("--bind", LOOPBACK, "--port", str(self._port), "--dir", str(self._folder))
        command = [binary(), *listen, *DURABLE, *_FSYNC_EACH, *RECOGNISABLE, *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait_until(lambda: answers.valkey(self._port), _PATIENCE), "Valkey did not come up"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def copy(self) -> None:
        """Copy what is on disk while the server runs, as a backup would."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._folder, self._copy)

    def put_back(self) -> None:
        """Replace a killed server's data by the copy. Without one it starts from nothing."""
        shutil.rmtree(self._folder)
        if self._copy.exists():
            shutil.copytree(self._copy, self._folder)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)


@contextmanager
def running(folder: Path, *options: str) -> Iterator[Valkey]:
    """Run a server of one's own for a while."""
    with reserved(_FIRST_PORT) as port:
        server = Valkey(folder, port, *options)
        try:
            server.start()
            yield server
        finally:
            server.kill()
