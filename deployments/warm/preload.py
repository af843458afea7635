"""What the parent loads, and in which surroundings: none that belong to a run, a server or a user's profile."""

import os
import sys
import threading
from pathlib import Path

from datastream.errors import Permanent
from deployments.stack.prefect_server import QUIET
from deployments.stack.process import MARK
from deployments.warm import prefect_anew
from deployments.warm.place import folder, read_at_start

_KEPT = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "PYTHONUNBUFFERED", "DATASTREAM_PROJECT",
    MARK,
)  # fmt: skip
_SECRET = ("FSSPEC_", "OTEL_")  # a run that has one of these starts cold
_MODULES = (
    "uuid", "runpy", "multiprocessing.context", "anyio._backends._asyncio", "rich._emoji_codes", "pandas",
    "pyarrow.parquet", "pyarrow.dataset", "pyarrow.compute", "prefect.main", "prefect.flow_engine",
    "prefect.task_engine", "prefect.engine", "prefect.deployments.steps.pull", "prefect.events.clients", "duckdb",
    "s3fs", "redis", "pika", "urllib3", "blocks", "tasks",
)  # fmt: skip


class NotAlone(Permanent):
    """The parent has threads, which would be missing in what it forks."""


def clean_environment() -> dict[str, str]:
    """Return the environment of a parent, in which nothing of its caller's is left that a run could need or hide."""
    read = ((os.fsdecode(name), os.fsdecode(value)) for name, value in read_at_start(dict(os.environb)).items())
    at_start = {name: value for name, value in read if not name.startswith(_SECRET)}
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")}
    alone = {"PREFECT_HOME": folder(), "JE_ARROW_MALLOC_CONF": "background_thread:false"}
    return {**kept, **at_start, **QUIET, **alone}


def cleanly() -> None:
    """Start again in a clean environment and in no folder, unless that is so; neither is left in memory by that."""
    os.chdir("/")
    clean = clean_environment()
    if dict(os.environ) != clean:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], clean)  # noqa: S606 - in its place


def preload() -> None:
    """Import what runs need. A stream's own code is left to them: it may change, and may start threads."""
    import importlib

    from datastream.quality import warm

    for name in _MODULES:
        importlib.import_module(name)
    warm()
    prefect_anew.trust()
    settle()


def settle() -> None:
    """Let go of the threads of OpenBLAS, which it ends when a process forks, and starts again when it is used."""
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    must_be_alone()


def must_be_alone() -> None:
    """Raise NotAlone if there is a thread, of Python or not, beside this one."""
    found = sorted(task.joinpath("comm").read_text().strip() for task in Path("/proc/self/task").iterdir())
    if len(found) != 1 or threading.active_count() != 1:
        raise NotAlone(
            f"The warm parent has {len(found)} threads ({', '.join(found)}) and can fork no run: something that it has "
            "loaded starts one when it is imported. Import that inside a function."
        )


def held_bytes() -> int:
    """Return how much memory this process has mapped, shared or not."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
