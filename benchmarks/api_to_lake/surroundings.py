"""What both candidates run in: one folder, and on 127.0.0.1 a Prefect server, a Valkey and the demo API.

All of it is started once, as the local stack starts it, and is gone when the block is left, whatever ends it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.api_to_lake import peer
from benchmarks.api_to_lake.task import Task, make_project
from benchmarks.child import ROOT, run
from benchmarks.figures import Round
from datastream.clock import SystemClock
from deployments.stack import prefect_server, valkey
from deployments.stack.plan import demo_service
from deployments.stack.ports import reserved
from deployments.stack.prefect_server import QUIET
from deployments.stack.process import stop
from deployments.stack.starter import Starter, silent

_DEMO_PORT = 18_390


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the servers are, and the folder that everything is kept in."""

    folder: Path
    prefect_url: str
    redis_url: str
    api: str

    def ours(self, task: Task) -> Round:
        """Run our candidate once, on an empty lake."""
        with _empty(self.folder) as folder:
            make_project(ROOT, folder / "project", task)
            lake = (folder / "lake").as_uri()
            asked = {**task.to_dict(), "api": self.api, "lake_uri": lake}
            env = {
                **QUIET,
                "PREFECT_API_URL": self.prefect_url,
                "PREFECT_HOME": str(folder / "prefect"),
                "DATASTREAM_PROJECT": str(folder / "project"),
                "DATASTREAM_LAKE_URI": lake,
                "DATASTREAM_REDIS_URL": self.redis_url,
            }
            return run("benchmarks.api_to_lake.ours", asked, env, folder)

    def peer(self, task: Task) -> Round:
        """Run dlt once, on an empty lake, with the settings of nobody but this benchmark."""
        with _empty(self.folder) as folder:
            own = {"DLT_DATA_DIR": str(folder / "data"), "DLT_PROJECT_DIR": str(folder)}
            asked = {**task.to_dict(), "api": self.api}
            return run("benchmarks.api_to_lake.peer", asked, {**peer.settings(), **own}, folder)


@contextmanager
def surroundings() -> Iterator[Surroundings]:
    """Start the servers, in a new folder below the system's temporary one (TMPDIR chooses the disk)."""
    with tempfile.TemporaryDirectory(prefix="datastream-benchmark-") as name:
        folder = Path(name).resolve()
        with (
            _demo(folder / "demo") as api,
            valkey(folder / "valkey") as redis_url,
            prefect_server(folder / "prefect") as prefect_url,
        ):
            yield Surroundings(folder, prefect_url, redis_url, api)


@contextmanager
def _demo(folder: Path) -> Iterator[str]:
    with reserved(_DEMO_PORT) as port:
        service = demo_service(folder, folder / "server.log", f"benchmark@{folder}", port)
        records = Starter([service], {}, lambda _records: None, silent, SystemClock()).run()
    try:
        yield service.address
    finally:
        stop(records[service.name].process)


@contextmanager
def _empty(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=folder, prefix="round-") as name:
        yield Path(name)
