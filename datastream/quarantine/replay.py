"""Sends rows of the quarantine through today's schema, transform and suite, and loads those that are good, once.

It is the same story as for what a source brings, in a lane of its own: claim, transform, check, decide, write, commit.
What still breaks a rule stays where it is, and nothing is written of it, so a second replay changes nothing. Of two at
the same time the one whose plan is second finds that the lane went on, and looks anew at what is left.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from datastream import pipeline
from datastream.announce import Outbox
from datastream.catalog.types import parse_type
from datastream.claim import Claim
from datastream.errors import Permanent
from datastream.lake import layout
from datastream.lake.encoding import planned
from datastream.lake.index import Index, Span
from datastream.lake.live import live
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest
from datastream.lake.parquet import opened, table
from datastream.lake.returned import held_claims, replayed_ids
from datastream.lake.store import Store
from datastream.lane import Lane
from datastream.observe.crash import step
from datastream.partition import TOO_MANY
from datastream.quality import warm
from datastream.quarantine.claims import claim_of
from datastream.quarantine.decide import decide
from datastream.quarantine.mending import Wanted, refuse_unknown_fields, sandbox, selected
from datastream.records import COMMIT, OWN_COLUMNS, RAW, RECEIVED_AT, RECORD_ID, RULES

ACTIONS = frozenset({"quarantine", "hold"})
"""Of a rule that is not met: for these a row stays in quarantine."""
OnCommit = Callable[[Manifest], None]


class ReplayRefused(Permanent):
    """The rows of a stream's quarantine are not to be loaded by themselves."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay did."""

    stream: str
    taken: int = 0
    loaded: int = 0
    left: dict[str, int] = {}
    """Rows that stay, by the rule that they break today."""
    warned: list[str] = []
    """Rules about the data as a whole that are not met by these rows; they keep none back."""
    commits: list[str] = []
    dry: bool = False
    """Nothing was done: this is what would be."""

    @property
    def stays(self) -> int:
        """How many rows stay in quarantine."""
        return self.taken - self.loaded

    def __str__(self) -> str:
        if not self.taken:
            return f"No row of {self.stream!r} in quarantine is as asked for: there is nothing to do."
        still = ", ".join(f"{rule} ({rows:,})" for rule, rows in self.left.items())
        stay = f"; {self.stays:,} stay, by what they break today: {still}" if self.stays else ""
        were = "would be" if self.dry else "were"
        return f"{self.loaded:,} of {self.taken:,} rows of {self.stream!r} {were} loaded from quarantine{stay}."


class ReplayIntake:
    """What the lane of replays has for a source: it is asked for nothing, since its claims are made by hand."""

    def claims(
        self,
        offsets: Mapping[str, Any],  # noqa: ARG002 - the contract's
        schema: Mapping[str, str],  # noqa: ARG002
        stopped: Callable[[], bool],  # noqa: ARG002
    ) -> Iterator[Claim]:
        return iter(())

    def may_repeat(self, span: Span, claim: Claim) -> bool:  # noqa: ARG002 - the contract's
        """Tell that none does: what was loaded from the quarantine is not chosen again."""
        return False

    def may_lie_elsewhere(self, index: Index, claim: Claim) -> bool:  # noqa: ARG002 - the contract's
        """Tell that none counts: all of them lie in the quarantine of other lanes."""
        return False

    def ids_by(self, identity: Mapping[str, Any], claim: Claim) -> Sequence[str | None]:  # noqa: ARG002
        return claim.ids

    def settle(self, offsets: Mapping[str, Any]) -> None:
        """Do nothing: what was set aside stays where it is."""

    def label(self, offsets: Mapping[str, Any]) -> str:  # noqa: ARG002 - the contract's
        return "quarantine"


def replay_intake() -> AbstractContextManager[ReplayIntake]:
    """Return the intake with which the lane of replays is opened."""
    return nullcontext(ReplayIntake())


def replay(
    lane: Lane,
    wanted: Wanted,
    on_commit: OnCommit = lambda _: None,
    *,
    actions: frozenset[str] = ACTIONS,
    dry: bool = False,
) -> Replayed:
    """Load the rows that are wanted and good. Raises ReplayRefused, SelectionWrong, and what a run raises.

    `actions` are those for which a row stays in quarantine; a `dry` one only tells what would happen.
    """
    refuse_snapshots(lane)
    refuse_unknown_fields(wanted, [name for name in lane.schema if name not in OWN_COLUMNS])
    if not dry:
        finish(lane, on_commit)
    commits: list[Manifest] = []
    while True:
        found = _once(lane, wanted, on_commit, commits, actions=actions, dry=dry)
        if found is not None:
            return found
        lane.reload()


def left_over(store: Store, stream: str, *, told: bool) -> bool:
    """Tell whether a replay was stopped before its rows were committed, or `told` to an event bus."""
    if layout.REPLAY in store.folders(layout.plans_of(stream)):
        return True
    there = told and layout.REPLAY in store.folders(layout.log_of(stream))
    return there and Outbox(store, stream, layout.REPLAY).waiting() > 0


def finish(lane: Lane, on_commit: OnCommit = lambda _: None) -> None:
    """Commit what an earlier replay decided and did not live to commit. What it could not announce is by then."""
    for plan in pipeline.decided(lane):
        on_commit(pipeline.complete(lane, plan))


def _once(
    lane: Lane, wanted: Wanted, on_commit: OnCommit, commits: list[Manifest], *, actions: frozenset[str], dry: bool
) -> Replayed | None:
    """Go through what is left now. None: what was chosen is old, or there is more than commits may open folders for."""
    loaded = taken = sum(commit.header.accounts.replayed for commit in commits)
    left, warned, beyond = Counter[str](), set[str](), 0
    for rows in _chunks(lane, wanted):
        batch = pipeline.transform(lane, claim_of(lane, rows, wanted))
        verdict = pipeline.check(lane, batch)
        decision, stay = decide(lane, batch, verdict, rows[RULES].to_pylist(), actions)
        lane.attempts.end()
        taken += rows.num_rows
        further = stay.pop(TOO_MANY, 0)  # these open no more folders of this commit: the next one takes them
        beyond += further
        loaded += further
        left.update(stay)
        warned |= {outcome.rule.label for outcome in verdict.table_failures()}
        loaded += decision.header.accounts.replayed
        if dry or not decision.header.accounts.replayed:
            continue
        if not lane.agree(batch.claim.schema, batch.columns):
            return None
        with step("decide"):
            plan = lane.log.decide(planned(decision))
        if plan is not None:
            on_commit(manifest := pipeline.complete(lane, plan))
        if plan is None or plan.header.decision != decision.header.decision:
            return None
        commits.append(manifest)
    if beyond and not dry:
        return None
    return Replayed(
        stream=lane.stream.name, taken=taken, loaded=loaded, left=dict(left.most_common()), warned=sorted(warned),
        commits=[str(commit) for commit in commits], dry=dry,
    )  # fmt: skip


def _chunks(lane: Lane, wanted: Wanted) -> Iterator[pa.Table]:
    """Yield the rows that are wanted, oldest first, as many together as a commit of the stream may hold."""
    most, gathered, count = lane.stream.batch.rows_per_commit, list[pa.Table](), 0
    for rows in _rows(lane, wanted):
        gathered.append(rows)
        count += rows.num_rows
        while count >= most:
            whole = pa.concat_tables(gathered)
            yield whole.slice(0, most)
            gathered, count = [whole.slice(most)], count - most
    if count:
        yield pa.concat_tables(gathered)


def _rows(lane: Lane, wanted: Wanted) -> Iterator[pa.Table]:
    now = live(lane.store, lane.stream.name)
    gone = pa.array(replayed_ids(lane.store, now).to_pylist(), pa.string())
    held = {claim.commit for claim in held_claims(now) if claim.state != "released"}
    own = [RECORD_ID, RECEIVED_AT, COMMIT, RULES, RAW]
    if now.quarantine:
        warm()  # before DuckDB: what is imported by then is not collected, which DuckDB complains of at the end
    with sandbox() as connection:
        for file in now.quarantine:
            if wanted.commit is not None and wanted.commit not in file.commits:
                continue
            rows = opened(lane.store, file.commits[-1], file.file, table).replace_schema_metadata()
            mine = pc.equal(rows[COMMIT], wanted.commit) if wanted.commit else pc.invert(_among(rows[COMMIT], held))
            rows = rows.filter(pc.and_(mine, pc.invert(pc.is_in(rows[RECORD_ID], gone))))
            if rows.num_rows:
                yield selected(connection, _with_columns(rows, lane.agreed.columns), wanted, lane.stream.mask).select(
                    own
                )


def _among(column: pa.ChunkedArray, values: set[str]) -> pa.ChunkedArray:
    return pc.is_in(column, pa.array(sorted(values), pa.string()))


def _with_columns(rows: pa.Table, columns: Mapping[str, str]) -> pa.Table:
    """Return the rows with every column of the stream, so that all of its files can be asked the same."""
    for name, kind in columns.items():
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.nulls(rows.num_rows, parse_type(kind)))
    return rows


def refuse_snapshots(lane: Lane) -> None:
    """Do nothing where rows of several passes stand side by side. Raises ReplayRefused."""
    first = Log(lane.store, lane.stream.name).newest()
    if lane.stream.load == "replace" or (first is not None and first.header.snapshot is not None):
        raise ReplayRefused(
            f"{lane.stream.name!r} says load: replace, or said it before, so each pass over its source is a whole of "
            "its own. Mend the source, the transform or the suite: the next pass asks about the same records again."
        )
