"""What happened inside a worker, told by watching the product from outside: its functions are wrapped in the worker's
own process, and know nothing of it. A note is one line appended at once, so that a killed worker has told it too.
"""

import functools
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import redis

from datastream import announce
from datastream.events.event import Event
from datastream.lake import local, log, s3, writer
from datastream.observe import crash

PATHS = (
    "a lease waited for, and held",
    "a plan that exists: mine",
    "a plan that exists: another's",
    "a file that exists: mine",
    "a commit that exists: mine",
    "woke up after the commit",
    "stopped at a point",
)
_POINTS = (crash, local, s3, announce)
"""Who calls crash points by name."""


class Notes:
    """A file that many processes append to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, line: str) -> None:
        with self._path.open("ab", buffering=0) as file:
            file.write(f"{line}\n".encode())

    def counted(self) -> Counter[str]:
        return Counter(self._path.read_text().splitlines() if self._path.exists() else [])


class NotedBus:
    """An event bus that confirms what it has noted."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def publish(self, events: Sequence[Event]) -> None:
        for event in events:
            self._notes.add(f"event {event.id}")

    def check(self) -> str:
        return "Notes take events."

    def close(self) -> None:
        return


def watch(notes: Notes) -> None:
    """Have the paths noted that this process takes."""
    _wrap(log.Log, "decide", functools.partial(_decided, notes))
    _wrap(log.Log, "commit", functools.partial(_committed, notes))
    _wrap(writer, "write", functools.partial(_written, notes))
    _wrap(redis.Redis, "set", functools.partial(_leased, notes, set()))
    for store in (local.LocalStore, s3.S3Store):
        _wrap(store, "create", functools.partial(_kept, "create"))
        _wrap(store, "create_all", functools.partial(_kept, "create_all"))


def stop_at(point: str, share: float, notes: Notes) -> None:
    """Stop this process at a crash point, by chance and once, until somebody wakes it."""
    waiting = [point]
    for module in _POINTS:
        _wrap(module, "crash_point", functools.partial(_stopped, waiting, share, notes))


def _wrap(owner: Any, name: str, watching: Callable[..., Any]) -> None:
    original = getattr(owner, name)
    setattr(owner, name, lambda *given, **named: watching(original, *given, **named))


_answered: dict[str, Any] = {}
"""What the store said last. A worker commits in one thread."""


def _kept(name: str, ask: Callable[..., Any], *given: Any) -> Any:
    _answered[name] = ask(*given)
    return _answered[name]


def _decided(notes: Notes, decide: Callable[..., Any], lane_log: Any, plan: Any) -> Any:
    held = decide(lane_log, plan)
    if held is None:
        notes.add("woke up after the commit")
    elif held.header.decision != plan.header.decision:
        notes.add("a plan that exists: another's")
    elif _answered.get("create") is False or _answered.get("create_all"):
        notes.add("a plan that exists: mine")
    return held


def _committed(notes: Notes, commit: Callable[..., Any], lane_log: Any, manifest: Any) -> Any:
    made = commit(lane_log, manifest)
    if made is not manifest:
        notes.add("a commit that exists: mine")
    return made


def _written(notes: Notes, write: Callable[..., Any], store: Any, plan: Any) -> Any:
    manifest = write(store, plan)
    if _answered.get("create_all"):
        notes.add("a file that exists: mine")
    return manifest


def _leased(
    notes: Notes, waited: set[str], ask: Callable[..., Any], client: Any, key: str, *given: Any, **how: Any
) -> Any:
    held = ask(client, key, *given, **how)
    if how.get("nx") and not held:
        waited.add(key)
    elif how.get("nx") and key in waited:
        waited.discard(key)
        notes.add("a lease waited for, and held")
    return held


def _stopped(waiting: list[str], share: float, notes: Notes, crash_point: Callable[[str], None], point: str) -> None:
    if point in waiting and random.random() < share:
        waiting.clear()
        notes.add("stopped at a point")
        os.kill(os.getpid(), signal.SIGSTOP)
    crash_point(point)
