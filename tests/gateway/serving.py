"""A gateway that serves, and somebody who posts to it."""

import base64
import itertools
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from datastream.auth import sign
from datastream.buffers import BEGINNING, Buffer, Delivery, lane_of
from datastream.catalog import Catalog
from datastream.gateway import Gateway, Probe
from datastream.gateway.body import Limits
from datastream.gateway.keyring import Keyring, Resolve
from datastream.gateway.server import Patience, Server
from deployments.stack.waiting import wait_until

KEY = b"k" * 32
STREAM = "departures"
SOON = timedelta(seconds=10)


def secret(key: bytes = KEY) -> str:
    return f"whsec_{base64.b64encode(key).decode()}"


def write_stream(folder: Path, name: str = STREAM, source: str = "") -> Path:
    """Write a stream file; without a source it is a webhook with one secret."""
    folder.mkdir(exist_ok=True)
    source = source or f"{{kind: webhook, block: {{secrets: [{secret()}]}}}}"
    file = folder / f"{name}.yaml"
    file.write_text(f"name: {name}\nkey: [id]\nsource: {source}\nsuite: {name}\n")
    return file


API = "{kind: api, block: api-source/x, path: /x, paginate: {kind: next_link}}"


@dataclass
class Sender:
    """Posts signed bodies, each with an id of its own unless it is told one."""

    url: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20))
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def post(
        self, body: bytes = b'{"id":1}', name: str = "", *, stream: str = STREAM, **changes: Any
    ) -> httpx.Response:
        name = name or f"msg_{next(self._numbers)}"
        key, at = changes.pop("key", KEY), changes.pop("at", datetime.now(UTC))
        headers = {**sign(key, name, at, body), **changes.pop("headers", {})}
        return self.client.post(f"{self.url}/webhooks/{stream}", content=changes.pop("content", body), headers=headers)

    def get(self, path: str) -> httpx.Response:
        return self.client.get(self.url + path)

    def trouble(self, dependency: str) -> str:
        """Return what /health/ready says of a dependency that is not as it should be."""
        answer = self.get("/health/ready")
        found = {each["name"]: each for each in answer.json()["dependencies"]}[dependency]
        assert (answer.status_code == 200) is all(each["ok"] for each in answer.json()["dependencies"])
        return "" if found["ok"] else found["detail"]

    def takes_posts(self, stream: str = STREAM) -> bool:
        return self.post(stream=stream).status_code == 202


@contextmanager
def sender(url: str) -> Iterator[Sender]:
    one = Sender(url)
    with one.client:
        yield one


@contextmanager
def serving(
    buffer: Buffer,
    streams: Path,
    *,
    resolve: Resolve | None = None,
    every: timedelta = timedelta(seconds=30),
    others: Mapping[str, Probe] | None = None,
    limits: Limits | None = None,
    patience: Patience | None = None,
) -> Iterator[Sender]:
    """Serve a gateway in this process, and yield a sender once it takes posts or says why not."""
    keyring = Keyring(Catalog(streams), resolve or (lambda stream: stream.source.block), every=every)
    server = Server(Gateway(buffer, keyring, others, limits=limits), patience or Patience(leaving=timedelta()))
    with listening(server) as url, sender(url) as one:
        assert wait_until(lambda: "not been" not in one.get("/health/ready").text, SOON)
        yield one


@contextmanager
def listening(server: Server) -> Iterator[str]:
    """Run a server in this process, and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert wait_until(lambda: server.started, SOON)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def kept(buffer: Buffer, stream: str = STREAM) -> list[Delivery]:
    """Return everything that waits, in its order."""
    lane = lane_of(stream)
    return [entry.delivery for entry in buffer.read(lane, buffer.reach(lane).epoch, BEGINNING, 1_000_000)]
