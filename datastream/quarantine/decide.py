"""Decides which rows of the quarantine are loaded. The others stay there: nothing is written of them."""

from collections import Counter
from collections.abc import Collection, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from datastream.claim import Batch
from datastream.decision import files_of, header_of, with_own_columns
from datastream.fates import severities
from datastream.identity import RAW_IDS
from datastream.lake.encoding import Decision
from datastream.lane import Lane
from datastream.partition import folders_of
from datastream.quality import Verdict
from datastream.quarantine.claims import unread
from datastream.records import Accounts


def decide(
    lane: Lane, batch: Batch, verdict: Verdict, before: Sequence[Sequence[str]], actions: Collection[str]
) -> tuple[Decision, Counter[str]]:
    """Return what is loaded of a checked batch, and how many rows stay, by the rule that they break today.

    `before` are the rules for which each record of the claim was set aside. What a suite says of the data as a whole
    counts for nothing here: these rows are no whole. Raises PartitionImpossible.
    """
    stream, place = lane.stream, lane.place
    strict = {severity for action in actions for severity in severities(stream, verdict, action)}
    bad = np.zeros(len(batch), dtype=bool)
    bad[verdict.bad_rows_for(strict)] = True
    table = with_own_columns(batch, place)
    folders = folders_of(stream.partition_by, table, np.flatnonzero(~bad))
    unplaced = folders.unplaced(None)
    bad[list(unplaced)] = True
    order, files = files_of(stream, batch, folders, np.flatnonzero(~bad), place)
    loaded = Counter(rule for row in order for rule in before[batch.positions[int(row)]])
    header = header_of(
        stream, batch, verdict, place, Accounts(replayed=len(order)), {rule: -rows for rule, rows in loaded.items()}
    )
    if any(unread(before[batch.positions[int(row)]]) for row in order):
        header = msgspec.structs.replace(header, identity={**header.identity, RAW_IDS: True})
    broken = [outcome for outcome in verdict.expectations if outcome.rule.severity in strict]
    left = Counter(outcome.reason(row) for outcome in broken for row in outcome.set_aside)
    left.update(unplaced.values())
    left.update(batch.refused.values())
    rows = table.take(pa.array(order, pa.int64()))
    return Decision(header=header, files=files, loaded=rows, quarantine=None, set_aside=rows.slice(0, 0)), left
