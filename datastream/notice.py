"""A commit without records, by which a lane's log holds something new: another definition, or other offsets."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from datastream import pipeline
from datastream.catalog import Stream
from datastream.claim import Batch, Claim
from datastream.clock import Clock
from datastream.decision import decide
from datastream.lake.encoding import planned
from datastream.lake.manifest import Manifest
from datastream.lane import Lane
from datastream.observe.crash import step
from datastream.quality import Verdict
from datastream.records import RECEIVED_TYPE, RECORD_ID


def notice(lane: Lane, stream: Stream, offsets: Mapping[str, Any], clock: Clock) -> Manifest | None:
    """Make the lane's next commit hold the definition of `stream` and these offsets, and no record.

    Another worker's decision that came first is completed and returned; where its commit is made already, None is
    returned, and the lane stands behind it. Either way it is read what the log holds now, and asked again.
    """
    was = lane.stream
    lane.stream = stream
    batch = _nothing(lane, offsets, clock)
    decision = decide(stream, lane.suite, batch, Verdict(rows=0, expectations=()), lane.place)
    with step("decide"):
        plan = lane.log.decide(planned(decision))
    lane.stream = was
    if plan is None:
        lane.reload()
        return None
    return pipeline.complete(lane, plan)


def _nothing(lane: Lane, offsets: Mapping[str, Any], clock: Clock) -> Batch:
    table = pa.table({RECORD_ID: pa.array([], pa.string())})
    claim = Claim(
        records=[], table=table, positions=[], ids=[], refused={}, cursor=pa.nulls(0, pa.string()),
        schema=dict(lane.schema), offsets=offsets, received_at=pa.array([], RECEIVED_TYPE), taken_at=clock.now(),
    )  # fmt: skip
    return Batch(claim=claim, table=table, positions=[], refused={}, duplicates=0, columns=dict(lane.agreed.columns))
