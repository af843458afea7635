"""Takes claims from the stream buffer: ranges of a lane after the last settled position, read in pieces.

The buffer's epoch tells whether positions still mean what they meant when they were committed. A new epoch is read from
its beginning, and what was committed under an earlier one is looked up, because it may lie there a second time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from datastream.buffers import (
    BEGINNING,
    FIRST_LANE,
    Buffer,
    Entry,
    EpochChanged,
    Reach,
    lane_of,
    position_order,
    received_at,
)
from datastream.buffers.redis import open_buffer
from datastream.catalog import Stream, WebhookSpec
from datastream.claim import Claim
from datastream.clock import Clock, SystemClock
from datastream.connections import BufferConfig
from datastream.errors import Transient
from datastream.identity import delivered_id, rules_of
from datastream.lake.index import Index, Span
from datastream.observe.crash import step
from datastream.records import RECEIVED_TYPE
from datastream.resilience import DEFAULT, BreakerStates, Dependency, MemoryStates
from datastream.sources.rows import parse

T = TypeVar("T")
_PIECE = 500
_CLAIM_BYTES = 64 * 1024 * 1024
_SKEW = timedelta(hours=1)
"""How far a worker's clock may be from the buffer's."""
_list = msgspec.json.Decoder(list[msgspec.Raw])


class Offsets(msgspec.Struct, frozen=True, kw_only=True):
    """How far a lane has come."""

    epoch: str
    position: str


class _Posted(NamedTuple):
    """A delivery, taken apart. It is never cut: a claim holds it whole, however many records it has."""

    entry: Entry
    records: list[msgspec.Raw]


class WebhookIntake:
    """The deliveries of one lane. `window` is how long a sender's repeat is told from a new delivery."""

    def __init__(
        self,
        stream: Stream,
        window: timedelta,
        buffer: Buffer,
        dependency: Dependency,
        clock: Clock,
        lane: str = FIRST_LANE,
    ) -> None:
        self._stream, self._window = stream, window
        self._lane, self._buffer = lane_of(stream.name, lane), buffer
        self._dependency, self._clock = dependency, clock

    def claims(
        self, offsets: Mapping[str, Any], schema: Mapping[str, str], stopped: Callable[[], bool]
    ) -> Iterator[Claim]:
        self.settle(offsets)  # a run that died after its commit left them there
        settled, known = _offsets(offsets), dict(schema)
        while True:
            reach = self._ask(lambda: self._buffer.reach(self._lane))
            same = settled is not None and settled.epoch == reach.epoch
            try:
                for posted in self._pieces(reach, settled.position if settled and same else BEGINNING):
                    if stopped():
                        return
                    with step("claim"):
                        claim = make_claim(self._stream, posted, reach, known, self._clock.now())
                    settled, known = _offsets(claim.offsets), claim.schema
                    yield claim
            except EpochChanged:
                continue
            return

    def may_repeat(self, span: Span, claim: Claim) -> bool:
        """Tell whether they were committed from other epochs and may lie in this one too. Within one, marks tell.

        An entry is a repeat of one that came at most a window before it. How long ago it was committed says nothing:
        entries whose trim was lost stay where they are until somebody reads them.
        """
        here = span.epochs == {claim.offsets["epoch"]}
        return len(claim) > 0 and not here and span.decided[1] >= self._repeats_since(claim)

    def may_lie_elsewhere(self, index: Index, claim: Claim) -> bool:
        """Tell whether the epoch is younger than what may be repeated: else marks tell, whatever lane it went to."""
        if not len(claim):
            return False
        epoch, since = claim.offsets["epoch"], self._repeats_since(claim)
        return not any(span.epochs == {epoch} and span.decided[1] < since for span in index.spans)

    def _repeats_since(self, claim: Claim) -> datetime:
        came: datetime = pc.min(claim.received_at).as_py()
        return came - self._window - _SKEW

    def ids_by(self, identity: Mapping[str, Any], claim: Claim) -> Sequence[str | None]:  # noqa: ARG002 - the contract's
        """Return the claim's own: a delivery's id has nothing to do with the stream's key."""
        return claim.ids

    def settle(self, offsets: Mapping[str, Any]) -> None:
        """Trim the lane up to where it is committed."""
        reached = _offsets(offsets)
        if reached is not None:
            self._ask(lambda: self._buffer.trim(self._lane, reached.epoch, reached.position))

    def label(self, offsets: Mapping[str, Any]) -> str:
        del offsets
        try:
            waiting = self._ask(lambda: self._buffer.depth(self._lane))
        except Transient:  # a name for people; what is decided already needs no buffer, and is committed first
            return "deliveries"
        return f"{waiting:,} {'delivery' if waiting == 1 else 'deliveries'}"

    def _pieces(self, reach: Reach, after: str) -> Iterator[list[_Posted]]:
        """Yield the entries of one claim after another, to where the lane went when it was asked."""
        gathered: list[_Posted] = []
        rows = size = 0
        while position_order(after) < position_order(reach.last):
            piece = self._ask(lambda start=after: self._buffer.read(self._lane, reach.epoch, start, _PIECE))  # type: ignore[misc]
            if not piece:
                break
            after = piece[-1].position
            for posted in map(_posted, piece):
                full = rows + len(posted.records) > self._stream.batch.rows_per_commit or size >= _CLAIM_BYTES
                if gathered and full:
                    yield gathered
                    gathered, rows, size = [], 0, 0
                gathered.append(posted)
                rows += len(posted.records)
                size += len(posted.entry.delivery.body)
        if gathered:
            yield gathered

    def _ask(self, action: Callable[[], T]) -> T:
        return self._dependency.call(action)


@contextmanager
def webhook_intake(
    stream: Stream,
    spec: WebhookSpec,
    config: BufferConfig,
    clock: Clock | None = None,
    states: BreakerStates | None = None,
    lane: str = FIRST_LANE,
) -> Iterator[WebhookIntake]:
    """Open the intake of a webhook stream's lane."""
    clock = clock or SystemClock()
    dependency = Dependency("redis", DEFAULT, states or MemoryStates(), clock)
    with open_buffer(config) as buffer:
        yield WebhookIntake(stream, spec.dedup, buffer, dependency, clock, lane)


def make_claim(
    stream: Stream, posted: Sequence[_Posted], reach: Reach, known: Mapping[str, str], now: datetime
) -> Claim:
    """Return deliveries as rows with ids; a delivery that is a list is as many records as the list has."""
    records: list[Any] = []
    ids: list[str] = []
    came: list[int] = []
    for entry, found in posted:
        records += found
        ids += (delivered_id(stream, entry.delivery.id, index) for index in range(len(found)))
        came += [received_at(entry.position) * 1000] * len(found)
    rows = parse(records, known, rules_of(stream))
    offsets = Offsets(epoch=reach.epoch, position=posted[-1].entry.position)
    return Claim(
        records=records, table=rows.table, positions=rows.positions, ids=ids,
        refused={at: f"schema: {reason}" for at, reason in rows.misfits.items()},
        cursor=pa.nulls(len(records), pa.string()), schema=rows.schema, offsets=msgspec.to_builtins(offsets),
        received_at=pa.array(came, RECEIVED_TYPE), taken_at=now.astimezone(UTC),
    )  # fmt: skip


def _posted(entry: Entry) -> _Posted:
    return _Posted(entry, _records(entry.delivery.body))


def _records(body: bytes) -> list[msgspec.Raw]:
    if not body.lstrip().startswith(b"["):
        return [msgspec.Raw(body)]
    try:
        return _list.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return [msgspec.Raw(body)]  # the gateway took no such thing; here it is set aside, not lost


def _offsets(kept: Mapping[str, Any]) -> Offsets | None:
    return msgspec.convert(kept, Offsets) if kept else None
