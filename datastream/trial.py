"""Tries a stream: fetches its first records and does with them what a run would do, and writes nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from datastream.catalog import Auto, Stream
from datastream.catalog.types import SMALL
from datastream.clock import Clock, SystemClock
from datastream.collisions import Collisions
from datastream.connections import ApiConfig, BufferConfig
from datastream.decision import decide
from datastream.intake.api import api_intake
from datastream.lake.store import MemoryStore, Store
from datastream.lane import open_lane
from datastream.pipeline import check, transform
from datastream.quality import Suite
from datastream.records import OWN_COLUMNS, RAW, RULES, Accounts
from datastream.sources.client import Judged
from datastream.sources.paginators import detect


@dataclass(frozen=True, slots=True)
class Trial:
    """What a run would do with the first records."""

    window: str
    paginate: Mapping[str, Any] | None
    """How pages follow each other, as it was found out; None where the stream says it."""
    accounts: Accounts
    set_aside: Mapping[str, int]
    columns: Mapping[str, str]
    loaded: pa.Table
    quarantine: Sequence[Mapping[str, Any]]
    """Each row as it came, with the rules it broke."""
    partitions: Mapping[str, int]
    """Rows by the folder they would land in."""
    collisions: Collisions

    @property
    def as_dict(self) -> dict[str, Any]:
        """The trial for machines."""
        counts = {name: getattr(self.accounts, name) for name in ("read", "loaded", "quarantined", "duplicates")}
        told = {"window": self.window, "paginate": self.paginate, **counts, "set_aside": dict(self.set_aside)}
        told["collisions"] = {"rows": self.collisions.rows, "fields": self.collisions.fields}
        return {**told, "columns": dict(self.columns), "partitions": dict(self.partitions)}


def trial(
    stream: Stream,
    suite: Suite,
    config: ApiConfig,
    limit: int,
    clock: Clock | None = None,
    buffer: BufferConfig | None = None,
    store: Store | None = None,
) -> Trial | None:
    """Return what a run would do with the first records of a stream, `limit` or one page; None if there are none.

    Lake and event bus are not asked: only what comes twice within these records is a duplicate. The buffer shares the
    API's budget and token, or the trial would use up the refresh token that the next run needs. The rows of a parent
    stream are read in `store`. Raises what a run raises.
    """
    few = stream.batch.model_copy(update={"size": limit, "per_commit": 1})
    stream = stream.model_copy(update={"batch": few})
    clock, taken = clock or SystemClock(), list[Judged]()
    with (
        api_intake(stream, config, clock, buffer=buffer, store=store, heard=taken.append) as intake,
        open_lane(stream, suite, MemoryStore(), intake, run="try", clock=clock) as lane,
    ):
        window, claim = lane.window, intake.first()
        if claim is None or not len(claim):
            return None
        batch = transform(lane, claim)
        decision = decide(stream, suite, batch, check(lane, batch), lane.place)
    folders = Counter[str]()
    for file in decision.files:
        folders[file.key.rpartition("/")[0]] += file.rows
    header = decision.header
    aside = decision.set_aside.select([RULES, RAW]).to_pylist()
    own = OWN_COLUMNS & set(decision.loaded.column_names)
    return Trial(
        window=window, paginate=_pages(stream, taken), accounts=header.accounts,
        set_aside=header.set_aside, columns=_in_words(header.columns), loaded=decision.loaded.drop_columns(list(own)),
        quarantine=aside, partitions=dict(folders), collisions=batch.collisions,
    )  # fmt: skip


def _pages(stream: Stream, taken: Sequence[Judged]) -> dict[str, Any] | None:
    """Return what `paginate: auto` found out by the first page."""
    first = next((answer for answer, kind in taken if kind == "page"), None)
    if not isinstance(stream.api.paginate, Auto) or first is None:
        return None
    return {name: value for name, value in detect(first).model_dump().items() if value is not None}


def _in_words(columns: Mapping[str, str]) -> dict[str, str]:
    return {name: kind.replace(SMALL, "int64") for name, kind in columns.items()}
