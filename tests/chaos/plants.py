"""Bugs that the harness has to find. Each takes the place of a product function, in a worker's own process."""

import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec

from datastream.intake import api
from datastream.lake import layout, writer
from datastream.lake.log import Log
from datastream.sources.claims import Offsets

_SLOW_SECONDS = 0.05


def plant(name: str) -> None:
    """Plant a bug in this process; an empty name plants none."""
    if name:
        PLANTS[name]()


def _random_names() -> None:
    """Files are named anew by each attempt."""
    write = writer.write

    def planted(store: Any, plan: Any) -> Any:
        files = [
            msgspec.structs.replace(file, key=file.key.replace(".parquet", f"-{secrets.token_hex(4)}.parquet"))
            for file in plan.manifest.files
        ]
        manifest = msgspec.structs.replace(plan.manifest, files=files)
        return write(store, msgspec.structs.replace(plan, manifest=manifest))

    writer.write = planted


def _own_verdict() -> None:
    """Whoever finds a plan goes on with his own verdict."""

    def planted(self: Log, plan: Any) -> Any:
        self._store.create(layout.plan(self.stream, self.lane, plan.header.seq), plan.encoded)
        return plan if self.manifest(plan.header.seq) is None else None

    Log.decide = planted  # type: ignore[method-assign]
    Log.open_plan = lambda self, seq: None  # type: ignore[method-assign] # noqa: ARG005


def _eager_cursor() -> None:
    """The cursor moves with each commit, and the window is forgotten."""
    advance = api._advance

    def planted(spec: Any, taken: Any, before: Any, seen: Any) -> Offsets:
        after = advance(spec, taken, before, seen)
        return Offsets(cursor=after.window.greatest if after.window else after.cursor)

    api._advance = planted


def _blind_decision() -> None:
    """Whoever created a plan does not look whether its claim is committed by then; deciding takes its time."""

    def planted(self: Log, plan: Any) -> Any:
        time.sleep(_SLOW_SECONDS)
        mine = self._store.create(layout.plan(self.stream, self.lane, plan.header.seq), plan.encoded)
        return plan if mine else self.open_plan(plan.header.seq)

    Log.decide = planted  # type: ignore[method-assign]


PLANTS: dict[str, Callable[[], None]] = {
    "random names": _random_names,
    "own verdict": _own_verdict,
    "eager cursor": _eager_cursor,
    "blind decision": _blind_decision,
}
