"""Tells which records of a claim the stream has already, in its data or its quarantine.

Only commits are read whose span may hold one, and where a pass takes the place of the former only those of the pass.
Lanes own disjoint record ids as long as the stream has as many lanes; that may have changed, so where marks cannot tell
a repeat the other lanes are looked into as well.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from datastream.catalog import ApiSpec
from datastream.claim import Claim, bounds
from datastream.identity import RAW_IDS
from datastream.lake.duplicates import overlapping
from datastream.lake.index import Index, Span, span_of
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest
from datastream.lane import Lane


def repeated(lane: Lane, claim: Claim) -> set[int]:
    """Return where in the claim records stand that were committed before, be they forgotten since."""
    forgotten = lane.known.forgotten
    cursor, found = bounds(claim.cursor), {at for at, record_id in enumerate(claim.ids) if record_id in forgotten}
    snapshot = lane.place.counting(lane.stream, claim)
    since = 1 if snapshot is None else snapshot.since
    for identity, commits in _by_identity(_suspected(lane, claim, since)):
        files = list(overlapping((file for commit in commits for file in commit.all_files), cursor))
        if not files:
            continue
        ids = claim.ids if identity == lane.identity else lane.intake.ids_by(identity, claim)
        known = lane.known.among(files, {record_id for record_id in ids if record_id is not None})
        if known:
            found |= {at for at, record_id in enumerate(ids) if record_id in known}
    if forgotten and since > 1:  # commits are left out by which a record was known that is not to come back
        for identity in lane.former_identities():
            named = lane.intake.ids_by(identity, claim)
            found |= {at for at, record_id in enumerate(named) if record_id in forgotten}
    return found


def _suspected(lane: Lane, claim: Claim, since: int) -> Iterator[Manifest]:
    cursor = bounds(claim.cursor)

    def suspected(span: Span) -> bool:
        return span.last >= since and span.may_hold(cursor) and lane.intake.may_repeat(span, claim)

    elsewhere = lane.intake.may_lie_elsewhere(lane.index, claim)
    for log, index in ((lane.log, lane.index), *(lane.others(cursor) if elsewhere else _replays(lane))):
        for span in filter(suspected, index.spans):
            first = max(span.first, since)
            found = (commit for commit in log.between(first, span.last) if suspected(span_of(commit)))
            # Of replays the rest stands in the quarantine, by the same ids.
            yield from (each for each in found if elsewhere or log is lane.log or each.header.identity.get(RAW_IDS))


def _replays(lane: Lane) -> list[tuple[Log, Index]]:
    """Return the lane of replays, where a record may be known by its text: it was no row when it came first."""
    return lane.replays() if isinstance(lane.stream.source, ApiSpec) else []


def _by_identity(commits: Iterator[Manifest]) -> list[tuple[Mapping[str, Any], list[Manifest]]]:
    groups: list[tuple[Mapping[str, Any], list[Manifest]]] = []
    for commit in commits:
        for identity, group in groups:
            if identity == commit.header.identity:
                group.append(commit)
                break
        else:
            groups.append((commit.header.identity, [commit]))
    return groups
