"""THE story: claim -> transform -> check -> decide -> write -> commit -> settle -> announce, claim after claim.

At least once everywhere, and create-only names that make every repeat harmless. Until a claim is decided it may be
taken again; once its plan exists, all that follows is a function of the plan. Any step may be killed at any moment.
"""

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

import pyarrow as pa

from datastream.catalog import ApiSpec
from datastream.claim import Batch, Claim
from datastream.collisions import Collisions, collisions
from datastream.columns import hold
from datastream.decision import decide as decide_rows
from datastream.fates import verdict_of
from datastream.isolation import Work, killers
from datastream.lake import layout, writer
from datastream.lake.encoding import planned
from datastream.lake.manifest import Manifest
from datastream.lake.plan import Plan
from datastream.lane import Lane
from datastream.observe.crash import step
from datastream.poison import applied
from datastream.quality import Verdict
from datastream.repeats import repeated

logger = logging.getLogger(__name__)
T = TypeVar("T")


def claims(lane: Lane) -> Generator[Claim]:
    """Yield what waits at the source, claim after claim, each to be committed before the next is asked for.

    The next claim is fetched and parsed while one is worked on. If another worker committed in between, what was read
    ahead is dropped, and reading begins again from the log.
    """
    while True:
        expected = lane.next_seq
        for claim in _ahead(lambda stopped: lane.intake.claims(lane.offsets, lane.schema, stopped)):
            yield claim
            expected += 1
            if lane.next_seq != expected or not lane.stands_at(claim):
                break
        else:
            return


def decided(lane: Lane) -> Iterator[Plan]:
    """Yield the claim that an earlier run decided and did not live to commit, if there is one. It comes first."""
    plan = lane.log.open_plan(lane.next_seq)
    if plan is not None:
        yield plan


def complete(lane: Lane, plan: Plan) -> Manifest:
    """Write, commit, settle and announce a decided claim."""
    return announce(lane, settle(lane, plan, commit(lane, write(lane, plan))))


def transform(lane: Lane, claim: Claim) -> Batch:
    """Leave out what the lane has already and what kills its worker, and run the stream's transform on the rest."""
    deaths = lane.attempts.begin(lane.next_seq)
    with step("transform"):
        fresh = _fresh(claim.ids, repeated(lane, claim))
        given, positions = claim.rows(fresh)
        refused = {at: rule for at, rule in claim.refused.items() if fresh is None or at in fresh}
        if deaths >= lane.isolation.deaths and given.num_rows:
            poison = killers(Work(given, lane.stream, lane.suite, lane.agreed.columns, lane.isolation))
            refused |= {positions[row]: rule for row, rule in poison.items()}
            given, positions = _without(poison, given, positions)
        table, kept, raised = applied(lane.transform, lane.stream.transform or "", given, lane.stream.mask)
        if kept is not None:
            refused |= dict.fromkeys(set(positions) - {positions[row] for row in kept}, "transform")
            refused |= {positions[row]: rule for row, rule in raised.items()}
            positions = [positions[row] for row in kept]
        table, columns = hold(table, lane.agreed.columns, lane.stream)
        duplicates = 0 if fresh is None else len(claim) - len(fresh)
        return Batch(claim, table, positions, refused, duplicates, columns, _collisions(lane, claim))


def check(lane: Lane, batch: Batch) -> Verdict:
    """Ask the stream's suite about every row. A suite that cannot answer raises, and nothing is committed."""
    with step("check"):
        if not len(batch):
            return Verdict(rows=0, expectations=())
        return verdict_of(batch.table, lane.suite, lane.stream)


def decide(lane: Lane, batch: Batch, verdict: Verdict) -> Plan | None:
    """Make the claim's plan durable, and return the one that holds: another worker's, if it was first.

    None means that the claim is committed already, because this worker slept, or that another lane has just made the
    stream's schema something else than this claim was read by: then it is read again.
    """
    with step("decide"):
        agreed = lane.agree(batch.claim.schema, batch.columns)
        decision = decide_rows(lane.stream, lane.suite, batch, verdict, lane.place) if agreed else None
        plan = None if decision is None else lane.log.decide(planned(decision))
        lane.attempts.end()
    if plan is not None:
        lane.collisions += batch.collisions
    elif agreed:
        lane.reload()
    return plan


def write(lane: Lane, plan: Plan) -> Manifest:
    """Write the plan's files, and return the manifest that will commit them."""
    with step("write"):
        return writer.write(lane.store, plan)


def commit(lane: Lane, manifest: Manifest) -> Manifest:
    """Create the manifest: from now on the rows are committed."""
    with step("commit"):
        return lane.log.commit(manifest)


def settle(lane: Lane, plan: Plan, manifest: Manifest) -> Manifest:
    """Forget the plan and what the intake kept, and stand behind the commit."""
    with step("settle"):
        lane.log.settle(manifest.header.seq)
        lane.known.add(manifest.all_files, plan.ids)
        lane.advance(manifest)
        _tell_of_nothing(manifest)
        lane.intake.settle(manifest.header.offsets)
    return manifest


def _tell_of_nothing(manifest: Manifest) -> None:
    """Say that a stream is empty now, because its source answered nothing: that may be the source's mistake."""
    header = manifest.header
    if (
        header.seq > 1
        and header.snapshot
        and header.counts == range(header.seq, header.seq + 1)
        and not header.accounts.read
    ):
        logger.warning(
            "The source of %s answered no record, so from commit %s on the stream is empty. What it held before is "
            "read as of commit %s until maintenance removes it.",
            header.stream,
            manifest,
            layout.commit_name(header.lane, header.seq - 1),
        )


def announce(lane: Lane, manifest: Manifest) -> Manifest:
    """Tell the event bus of the commit, and of any it has not confirmed. Without one, the log keeps them."""
    lane.announcer.announce()
    return manifest


def drain(lane: Lane, on_commit: Callable[[Manifest], None] = lambda _: None) -> None:
    """Take everything that waits when this starts, to the end of the window: the whole story, without Prefect."""
    for plan in decided(lane):
        on_commit(complete(lane, plan))
    for claim in claims(lane):
        batch = transform(lane, claim)
        holding = decide(lane, batch, check(lane, batch))
        if holding is not None:
            on_commit(complete(lane, holding))


def _without(rows: Mapping[int, str], table: pa.Table, positions: Sequence[int]) -> tuple[pa.Table, Sequence[int]]:
    good = [row for row in range(table.num_rows) if row not in rows]
    return table.take(pa.array(good, pa.int64())), [positions[row] for row in good]


def _fresh(ids: Sequence[str], repeats: AbstractSet[int]) -> AbstractSet[int] | None:
    """Return where ids stand for the first time that are no repeats; None stands for all of them."""
    if not repeats and len(set(ids)) == len(ids):
        return None
    first: dict[str, int] = {}
    for at, record_id in enumerate(ids):
        if at not in repeats:
            first.setdefault(record_id, at)
    return set(first.values())


def _collisions(lane: Lane, claim: Claim) -> Collisions:
    """Return what collides. What was posted has the id of its delivery, which no key is part of."""
    keyed = isinstance(lane.stream.source, ApiSpec)
    return collisions(claim.ids, claim.records, claim.refused) if keyed else Collisions()


def _ahead(make: Callable[[Callable[[], bool]], Iterator[T]]) -> Iterator[T]:
    """Yield what `make` yields, making the next one while one is worked on; it is told when nobody wants more."""
    stop = Event()
    items = make(stop.is_set)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(next, items, None)
        try:
            while (item := coming.result()) is not None:
                coming = thread.submit(next, items, None)
                yield item
        finally:
            stop.set()
