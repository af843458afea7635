"""Takes claims from an API, window by window. Nothing of a window has to be forgotten once it is committed."""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa

from datastream.buffers.budgets import shared_budgets
from datastream.buffers.tokens import token_store
from datastream.catalog import Cursor, Stream
from datastream.claim import Claim, bounds
from datastream.clock import Clock, SystemClock
from datastream.connections import ApiConfig, BufferConfig
from datastream.errors import Permanent
from datastream.identity import RAW_IDS, cursor_column, raw_id, record_ids, rules_of
from datastream.intake.backfills import left_to_the_first_lane, reaches_what_was_filled_in
from datastream.intake.parents import LakeParents
from datastream.lake.index import Index, Span
from datastream.lake.manifest import CursorRange
from datastream.lake.store import Store
from datastream.observe.crash import step
from datastream.records import RECEIVED_TYPE
from datastream.resilience import BreakerStates
from datastream.sources.claims import Offsets, Reading, Taken, take
from datastream.sources.client import ApiClient, Heard, open_api
from datastream.sources.hooks import Hooked
from datastream.sources.learn import Rules
from datastream.sources.parts import NoParents, Parents
from datastream.sources.passes import Pass
from datastream.sources.rows import Rows, parse
from datastream.sources.window import Asked, Window, cursor_after, from_wire, open_window, to_wire


class SourceUnordered(Permanent):
    """A source that promised order broke it."""


class ApiIntake:
    """The windows of one API stream."""

    def __init__(
        self,
        stream: Stream,
        client: ApiClient,
        clock: Clock,
        parents: Parents | None = None,
        until: datetime | None = None,
    ) -> None:
        self._stream, self._client, self._clock, self._until = stream, client, clock, until
        self._parents = parents or NoParents()
        self._pass = Pass(
            client=client, hooked=Hooked(stream.api.hooks), parents=self._parents, max_pages=stream.api.max_pages,
            bare=stream.schema_spec.bare,
        )  # fmt: skip

    def claims(
        self, offsets: Mapping[str, Any], schema: Mapping[str, str], stopped: Callable[[], bool]
    ) -> Generator[Claim]:
        self._client.stop_when(stopped)
        reached, known = _offsets(offsets), dict(schema)
        reading = Reading(stream=self._stream, reads=self._pass, clock=self._clock, stopped=stopped)
        for taken in take(reading, reached, self._window(reached)):
            with step("claim"):
                claim, reached = make_claim(self._stream, taken, reached, known, self._clock.now())
            known = claim.schema
            yield left_to_the_first_lane(claim, offsets, self._stream.source.cursor)

    def may_repeat(self, span: Span, claim: Claim) -> bool:  # noqa: ARG002 - the contract's
        """Tell that any may: an API answers what it answered before."""
        return True

    def may_lie_elsewhere(self, index: Index, claim: Claim) -> bool:  # noqa: ARG002 - the contract's
        """Tell whether it reaches below what was ever filled in: else an API is read in one lane."""
        return reaches_what_was_filled_in(claim)

    def ids_by(self, identity: Mapping[str, Any], claim: Claim) -> Sequence[str | None]:
        if identity.get(RAW_IDS):
            return [raw_id(self._stream, record) for record in claim.records]
        ids: list[str | None] = list(claim.ids)
        named = record_ids(self._stream, claim.table, identity["key"])
        for at, record_id in zip(claim.positions, named, strict=True):
            ids[at] = record_id
        return ids

    def settle(self, offsets: Mapping[str, Any]) -> None:
        """Do nothing: an API keeps its records whether we have them or not."""

    def first(self, schema: Mapping[str, str] | None = None) -> Claim | None:
        """Return the first claim of a first window, for who tries the stream: no more is asked for than it holds.

        Of a window in parts some of the next ones are on their way by then.
        """
        with closing(self.claims({}, schema or {}, lambda: False)) as coming:
            return next(coming, None)

    def label(self, offsets: Mapping[str, Any]) -> str:
        reached = _offsets(offsets)
        return (reached.window or open_window(self._stream, reached.cursor, self._clock.now())).label

    def _window(self, reached: Offsets) -> Window:
        """Return the next window."""
        spec, parent = self._stream.api.cursor, self._stream.api.parent
        asked = None
        if parent is not None:
            asked = Asked(
                stream=parent.stream, upto=self._parents.reached(parent.stream),
                after=reached.parents.get(parent.stream, {}),
                all=spec is not None or parent.ask == "all", initial=to_wire(spec.initial) if spec else None,
                include=parent.include,
            )  # fmt: skip
        return open_window(self._stream, reached.cursor, self._until or self._clock.now(), asked)


@contextmanager
def api_intake(
    stream: Stream,
    config: ApiConfig,
    clock: Clock | None = None,
    states: BreakerStates | None = None,
    buffer: BufferConfig | None = None,
    store: Store | None = None,
    until: datetime | None = None,
    heard: Heard | None = None,
) -> Iterator[ApiIntake]:
    """Open an API stream's intake; its connections are closed at the end. Windows end now, or at `until`.

    Tokens, and what is known of the API's budget, are shared through the buffer. The rows of a parent stream lie in
    `store`.
    """
    clock = clock or SystemClock()
    with (
        token_store(buffer) as tokens,
        shared_budgets(buffer, clock) as budgets,
        open_api(config, clock, states, tokens=tokens, budgets=budgets, rules=stream.api.errors, heard=heard) as client,
    ):
        yield ApiIntake(stream, client, clock, LakeParents(store) if store is not None else None, until)


def _offsets(kept: Mapping[str, Any]) -> Offsets:
    return msgspec.convert(kept, Offsets)


def make_claim(
    stream: Stream, taken: Taken, before: Offsets, known: Mapping[str, str], now: datetime
) -> tuple[Claim, Offsets]:
    """Return what was taken as rows with ids, and how far the lane has come then. Raises SourceUnordered."""
    rows = rows_of(taken.records, taken.refused, known, rules_of(stream))
    refused = {at: f"schema: {reason}" for at, reason in rows.misfits.items()} | dict(taken.refused)
    ids = [""] * len(taken.records)
    for at, record_id in zip(rows.positions, record_ids(stream, rows.table), strict=True):
        if record_id is None:
            refused[at] = f"key: {' or '.join(stream.key)} is missing"
        else:
            ids[at] = record_id
    for at in refused:
        ids[at] = raw_id(stream, taken.records[at])
    cursor = cursor_column(stream.source.cursor, rows.table)
    if len(rows.table) < len(taken.records):
        cursor = spread(cursor, rows.positions, len(taken.records))
    after = _advance(stream, taken, before, bounds(cursor))
    claim = Claim(
        records=taken.records, table=rows.table, positions=rows.positions, ids=ids, refused=refused, cursor=cursor,
        schema=rows.schema, offsets=msgspec.to_builtins(after), taken_at=now,
        received_at=pa.repeat(pa.scalar(now, RECEIVED_TYPE), len(taken.records)), begins=taken.begins,
        closes=taken.position is None,
    )  # fmt: skip
    return claim, after


def rows_of(records: Sequence[Any], refused: Collection[int], known: Mapping[str, str], rules: Rules) -> Rows:
    """Return the records as rows, without answers that are to be set aside: those are no records and teach nothing."""
    if not refused:
        return parse(records, known, rules)
    places = [at for at in range(len(records)) if at not in refused]
    rows = parse([records[at] for at in places], known, rules)
    misfits = {places[at]: reason for at, reason in rows.misfits.items()}
    return rows._replace(positions=[places[at] for at in rows.positions], misfits=misfits)


def spread(values: pa.Array, positions: Sequence[int], count: int) -> pa.Array:
    """Return `values` at their `positions` among `count` places, null elsewhere."""
    where: list[int | None] = [None] * count
    for row, at in enumerate(positions):
        where[at] = row
    return values.take(pa.array(where, pa.int64()))


def _advance(stream: Stream, taken: Taken, before: Offsets, seen: CursorRange | None) -> Offsets:
    """Return how far the lane has come after a claim. The cursor moves when the window is read, never before."""
    spec = stream.source.cursor
    asked, parents = taken.window.parent, before.parents
    if asked is not None and taken.position is None:
        parents = {asked.stream: asked.upto}
    if spec is None and taken.position is None:
        return Offsets(empty=stream.load == "replace" and taken.begins and not taken.records, parents=parents)
    if spec is None:
        return Offsets(window=taken.window, position=taken.position, parents=parents)
    highest = before.window.greatest if before.window and not taken.begins else None
    if seen is not None:
        if spec.ordered and highest is not None and seen[0] < highest:  # type: ignore[operator]
            raise SourceUnordered(
                f"The source answered {spec.field} {seen[0]!r} after {highest!r}, but the stream says `ordered: true`. "
                "Set `ordered: false`; nothing of this claim was committed."
            )
        highest = seen[1] if highest is None else max(highest, seen[1])
    window = msgspec.structs.replace(taken.window, greatest=highest)
    reached = _furthest(cursor_after(window, spec) if highest is not None else None, before.cursor, spec)
    if taken.position is None:
        return Offsets(cursor=reached, parents=parents)
    at = reached if spec.ordered else before.cursor
    return Offsets(cursor=at, window=window, position=taken.position, parents=parents)


def _furthest(reached: str | int | None, before: str | int | None, spec: Cursor) -> str | int | None:
    """Return where the cursor stands: it never moves back, though the source has lost its latest rows since."""
    ends = [from_wire(value, spec.initial) for value in (before, reached)]
    if None in ends:
        return before if reached is None else reached
    return before if ends[0] > ends[1] else reached  # type: ignore[operator]
