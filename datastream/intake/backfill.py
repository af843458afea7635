"""Takes the claims of one slice of a backfill: one window from its beginning to its end, and of that its own records.

Whatever the API answers, only records are read whose cursor value lies in the slice. When the window is read, the lane
is done; its last manifest says so, also where nothing was in it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from datastream.catalog import ApiSpec, Stream
from datastream.claim import Claim
from datastream.clock import Clock, SystemClock
from datastream.connections import ApiConfig, BufferConfig
from datastream.identity import rules_of
from datastream.intake.api import ApiIntake, api_intake
from datastream.intake.backfills import API_ANSWER, cursor_values, only
from datastream.lake.index import Index, Span
from datastream.lake.store import Store
from datastream.ranges import range_of
from datastream.records import RECEIVED_TYPE
from datastream.resilience import BreakerStates
from datastream.sources.rows import parse


class SliceOffsets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far a slice has come, besides what its window says."""

    again: int = 0
    """As its backfill has it: of two passes the one with the greater number is the later."""
    done: bool = False
    given_up: bool = False
    """It counts as done, though not all of it was read."""
    outside: int = 0
    """Records that were answered and lie outside of the slice."""
    without_cursor: int = 0
    """Records that show no cursor value: they belong to the stream's first lane."""

    def done_for(self, again: int) -> bool:
        """Tell whether a backfill that wants what this number says has nothing to do here."""
        return self.again > again or (self.done and self.again == again)


def slice_offsets(offsets: Mapping[str, Any]) -> SliceOffsets:
    """Return what the offsets of a slice's commit say."""
    return msgspec.convert(offsets, SliceOffsets)


class SliceIntake:
    """One slice. `reading` reads the API from the slice's beginning to its end."""

    def __init__(self, stream: Stream, lane: str, again: int, reading: ApiIntake, clock: Clock) -> None:
        self._stream, self._owned, self._again = stream, range_of(lane), again
        self._reading, self._clock = reading, clock

    def claims(
        self, offsets: Mapping[str, Any], schema: Mapping[str, str], stopped: Callable[[], bool]
    ) -> Iterator[Claim]:
        reached = slice_offsets(offsets)
        if offsets and reached.done_for(self._again):
            return
        if not offsets or reached.again != self._again:
            reached, offsets = SliceOffsets(again=self._again), {}
        for claim in self._reading.claims(offsets, schema, stopped):
            mine, reached = self._mine(claim, reached)
            yield mine
        if not reached.done and not stopped():  # there was nothing in it
            yield self._nothing(schema, msgspec.structs.replace(reached, done=True))

    def may_repeat(self, span: Span, claim: Claim) -> bool:  # noqa: ARG002 - the contract's
        """Tell that any may: an API answers what it answered before."""
        return True

    def may_lie_elsewhere(self, index: Index, claim: Claim) -> bool:  # noqa: ARG002 - the contract's
        """Tell that any record may: the first lane had its range before, and so may others have had."""
        return len(claim) > 0

    def ids_by(self, identity: Mapping[str, Any], claim: Claim) -> Sequence[str | None]:
        return self._reading.ids_by(identity, claim)

    def settle(self, offsets: Mapping[str, Any]) -> None:
        """Do nothing: an API keeps its records whether we have them or not."""

    def label(self, offsets: Mapping[str, Any]) -> str:  # noqa: ARG002 - the contract's
        return "{} to {}".format(*(str(end).replace(".000000Z", "Z") for end in self._owned or ("", "")))

    def _mine(self, claim: Claim, before: SliceOffsets) -> tuple[Claim, SliceOffsets]:
        """Return the claim without what the slice does not own, and how far it has come with it."""
        since, until = self._owned or (None, None)
        keep, outside, without = list[int](), before.outside, before.without_cursor
        spec = self._stream.api.cursor
        for at, value in enumerate(cursor_values(claim, spec) if spec else ()):
            if claim.refused.get(at, "").startswith(API_ANSWER) or (value is not None and since <= value < until):  # type: ignore[operator]
                keep.append(at)
            elif value is None:
                without += 1
            else:
                outside += 1
        after = SliceOffsets(
            again=self._again, done="window" not in claim.offsets, outside=outside, without_cursor=without
        )
        # The stream's cursor is the first lane's; here it only says in which order an ordered source went on.
        kept = {**claim.offsets, **msgspec.to_builtins(after)}
        return msgspec.structs.replace(only(claim, keep), offsets=kept), after

    def _nothing(self, schema: Mapping[str, str], after: SliceOffsets) -> Claim:
        rows = parse([], schema, rules_of(self._stream))
        return Claim(
            records=[], table=rows.table, positions=[], ids=[], refused={}, cursor=pa.nulls(0, pa.string()),
            schema=rows.schema, offsets=msgspec.to_builtins(after), taken_at=self._clock.now(),
            received_at=pa.array([], RECEIVED_TYPE),
        )  # fmt: skip


@contextmanager
def slice_intake(
    stream: Stream,
    lane: str,
    again: int,
    config: ApiConfig,
    clock: Clock | None = None,
    states: BreakerStates | None = None,
    buffer: BufferConfig | None = None,
    store: Store | None = None,
) -> Iterator[SliceIntake]:
    """Open the intake of a slice, which its lane's name tells; its connections are closed at the end."""
    clock, owned = clock or SystemClock(), range_of(lane)
    since, until = (_end(end) for end in owned or ("", ""))
    ends = until if isinstance(until, datetime) else None
    with api_intake(_from(stream, since), config, clock, states, buffer, store, ends) as reading:
        yield SliceIntake(stream, lane, again, reading, clock)


def _end(value: str | int) -> datetime | int:
    return value if isinstance(value, int) else datetime.fromisoformat(value).astimezone(UTC)


def _from(stream: Stream, since: datetime | int) -> Stream:
    """Return the stream as if it had never been read, and began at `since`."""
    source, spec = stream.api, stream.api.cursor
    if not isinstance(source, ApiSpec) or spec is None:
        return stream
    begins = spec.model_copy(update={"initial": since, "lag": spec.lag * 0})
    return stream.model_copy(update={"source": source.model_copy(update={"cursor": begins})})
