"""Tries a stream: fetches its first records and does with them what a run would do, and writes nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from datastream.catalog import Auto, Stream
from datastream.catalog.types import SMALL
from datastream.clock import Clock, SystemClock
from datastream.connections import ApiConfig, BufferConfig
from datastream.decision import decide
from datastream.intake.api import ApiIntake, api_intake
from datastream.lake.store import MemoryStore
from datastream.lane import open_lane
from datastream.pipeline import check, claims, transform
from datastream.quality import Suite
from datastream.records import OWN_COLUMNS, RAW, RULES, Accounts
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

    @property
    def as_dict(self) -> dict[str, Any]:
        """The trial for machines."""
        counts = {name: getattr(self.accounts, name) for name in ("read", "loaded", "quarantined", "duplicates")}
        told = {"window": self.window, "paginate": self.paginate, **counts, "set_aside": dict(self.set_aside)}
        return {**told, "columns": dict(self.columns), "partitions": dict(self.partitions)}


def trial(
    stream: Stream,
    suite: Suite,
    config: ApiConfig,
    limit: int,
    clock: Clock | None = None,
    buffer: BufferConfig | None = None,
) -> Trial | None:
    """Return what a run would do with the first records of a stream, `limit` or one page; None if there are none.

    Lake and event bus are not asked: only what comes twice within these records is a duplicate. The buffer shares the
    API's budget and token, or the trial would use up the refresh token that the next run needs. Raises what a run
    raises.
    """
    few = stream.batch.model_copy(update={"size": limit, "per_commit": 1})
    stream = stream.model_copy(update={"batch": few})
    clock = clock or SystemClock()
    with (
        api_intake(stream, config, clock, buffer=buffer) as intake,
        open_lane(stream, suite, MemoryStore(), intake, run="try", clock=clock) as lane,
        closing(claims(lane)) as coming,
    ):
        window, pages = lane.window, _pages(stream, intake)
        claim = next(coming, None)
        if claim is None:
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
        window=window, paginate=pages, accounts=header.accounts,
        set_aside=header.set_aside, columns=_in_words(header.columns), loaded=decision.loaded.drop_columns(list(own)),
        quarantine=aside, partitions=dict(folders),
    )  # fmt: skip


def _pages(stream: Stream, intake: ApiIntake) -> dict[str, Any] | None:
    """Return what `paginate: auto` finds out."""
    if not isinstance(stream.api.paginate, Auto):
        return None
    return {name: value for name, value in detect(intake.first_answer()).model_dump().items() if value is not None}


def _in_words(columns: Mapping[str, str]) -> dict[str, str]:
    return {name: kind.replace(SMALL, "int64") for name, kind in columns.items()}
