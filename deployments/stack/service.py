"""What a service of the local stack is: a command, its surroundings, and how to see that it works. Data only."""

import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from deployments.stack.ports import LOOPBACK, listeners
from deployments.stack.process import Process, family, launch

LOG_BYTES = 10 * 1024 * 1024
FOREIGN = ("PREFECT_API_", "PREFECT_SERVER_", "PREFECT_PROFILE", "PREFECT_HOME")  # they speak of another server


@dataclass(frozen=True, slots=True)
class Service:
    """One process to run in `folder`. `works` may be answered by a stranger on the same port: ask `ready`.

    The stack goes without an `optional` one that does not come up. A `relayed` port is held by a stranger for it. It
    may `drain` so long before it is made to end.
    """

    name: str
    title: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    log: Path
    mark: str
    address: str
    port: int | None
    works: Callable[[Process], bool]
    after: tuple[str, ...] = ()
    before: Callable[[], None] = field(default=lambda: None)
    patience: timedelta = field(default=timedelta(seconds=90))
    foreign: tuple[str, ...] = FOREIGN
    optional: bool = False
    drain: timedelta = timedelta()
    relayed: bool = False

    @property
    def fingerprint(self) -> str:
        """Tell one way of running it from another; a running process of another way has to be replaced."""
        return f"{zlib.crc32(json.dumps([self.command, dict(self.env)]).encode()):08x}"

    def start(self) -> Process:
        """Launch it, with the caller's environment except for settings of another server."""
        self.before()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".1.log"))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(self.foreign)}
        env = inherited | {"PYTHONUNBUFFERED": "1"} | dict(self.env)
        return launch(self.command, env, mark=self.mark, folder=self.folder, log=self.log)

    def ready(self, process: Process) -> bool:
        """Tell whether this process, and no other that took its port, does its work."""
        if not process.alive() or not self.works(process):
            return False
        return self.port is None or self.relayed or (LOOPBACK, self.port) in listeners(family(process))

    def last_words(self, lines: int = 12) -> str:
        """Return the end of what it printed since its latest start."""
        said = self.log.read_text(errors="replace").rpartition("\n--- ")[2]
        return "\n".join(said.splitlines()[1:][-lines:]) or "(it said nothing)"


@dataclass(frozen=True, slots=True)
class Absent:
    """A service that the stack goes without, and the sentence that says why."""

    name: str
    title: str
    mark: str
    reason: str
