"""Both candidates as servers on this machine, beside one Valkey. All of it is gone when the block is left."""

import base64
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from benchmarks.child import ROOT, CandidateFailed
from benchmarks.webhooks.posts import Answers, post, requests
from datastream.buffers import lane_of
from datastream.buffers.scripts import entries
from datastream.clock import SystemClock
from deployments.stack import answers, valkey
from deployments.stack.ports import reserved
from deployments.stack.process import stop
from deployments.stack.service import Service
from deployments.stack.starter import Starter, silent

STREAM = "flights"
PATH = f"/webhooks/{STREAM}"
PEERS_ENTRIES = "peer"
KEY = b"made for a benchmark only"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
CONNECTIONS = 64
WARM_UP = 1_000
_PORT = 18_391
_STREAM_FILE = f"name: {STREAM}\nsource:\n  kind: webhook\n  block: {{secrets: [{SECRET}]}}\nsuite: {STREAM}\n"


@dataclass(frozen=True, slots=True)
class Candidate:
    """How one is started, and under which key it keeps what it accepts."""

    name: str
    command: tuple[str, ...]
    entries: str


OURS = Candidate("datastream", ("-m", "deployments.cli", "gateway", "--port"), entries(lane_of(STREAM)))
PEER = Candidate("FastAPI", ("-m", "benchmarks.webhooks.peer"), PEERS_ENTRIES)


def measure(candidate: Candidate, count: int) -> Answers:
    """Start it on an empty buffer, post, and count what is kept. Raises CandidateFailed unless that is everything."""
    with tempfile.TemporaryDirectory(prefix="datastream-benchmark-") as name:
        folder = Path(name).resolve()
        with valkey(folder / "valkey") as url, _running(candidate, folder, url) as port:
            wanted = requests(PATH, KEY, WARM_UP + count)
            post(port, wanted[:WARM_UP], CONNECTIONS)
            measured = post(port, wanted[WARM_UP:], CONNECTIONS)
            with redis.Redis.from_url(url) as client:
                kept = client.xlen(candidate.entries)
    if kept != len(wanted):
        raise CandidateFailed(f"{candidate.name} accepted {len(wanted):,} posts and keeps {kept:,}.")
    return measured


@contextmanager
def _running(candidate: Candidate, folder: Path, redis_url: str) -> Iterator[int]:
    (folder / "streams").mkdir()
    (folder / "streams" / f"{STREAM}.yaml").write_text(_STREAM_FILE)
    with reserved(_PORT) as port:
        service = Service(
            name=candidate.name,
            title=candidate.name,
            command=(sys.executable, *candidate.command, str(port)),
            env={"PYTHONPATH": str(ROOT), "DATASTREAM_PROJECT": str(folder), "DATASTREAM_REDIS_URL": redis_url},
            folder=folder,
            log=folder / "candidate.log",
            mark=f"benchmark@{folder}",
            address=f"http://127.0.0.1:{port}",
            port=port,
            works=lambda _process: answers.http(port, "/health/ready"),
        )
        records = Starter([service], {}, lambda _records: None, silent, SystemClock()).run()
        try:
            yield port
        finally:
            stop(records[candidate.name].process)
