"""The final phase: faults end, the stream is drained, and everything on the lake is counted and compared.

Conservation, uniqueness, integrity, no strangers, partitions, liveness, events, and that nothing is left behind.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from datastream.lake import reader as reader_of_log
from datastream.lake.lake import open_lake
from datastream.lake.manifest import Manifest
from datastream.lake.verify import verify
from deployments.stack.waiting import wait_until
from tests.chaos import lakes, reader
from tests.chaos.campaign import Campaign
from tests.chaos.deploys import STREAM
from tests.chaos.records import differs, moment
from tests.chaos.tally import REPEATS

_RUNS = 5
_FORGIVEN = re.compile(r"broke: LakeUnusable: .*(No space left on device|File too large)")
"""What a worker may break with: somebody has filled its disk."""


@dataclass
class Found:
    """What lies on the lake."""

    there: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def finish(campaign: Campaign, seen: reader.Seen | None = None) -> None:
    """Drain in peace, judge, and add what was found to the tally."""
    tally, ledger = campaign.tally, campaign.ledger
    problems = [*_drained(campaign), *_alive(campaign)]
    found = _read(campaign)
    owed, excused = ledger.owed, ledger.excused
    there = set(found.there)
    commits = list(reader_of_log.commits(campaign.store, STREAM))
    problems += found.problems + _by_log(campaign, commits, len(there)) + _events(campaign, commits)
    problems += _left(campaign) + _broken(campaign)
    problems += [f"{sorted(there - owed - excused)} were sent by nobody"] * bool(there - owed - excused)
    if seen:
        problems += seen.wrong
        found.unreadable += seen.unreadable
        tally.reads += seen.reads
    tally.records += ledger.minted
    tally.commits += len(commits)
    tally.lost += len(owed - there)
    tally.excused += len(excused - there)
    tally.duplicated += found.there.total() - len(there)
    tally.unreadable += len(found.unreadable)
    tally.problems += problems + found.unreadable
    _count_paths(campaign, commits)


def _drained(campaign: Campaign) -> Iterator[str]:
    if campaign.proxy:
        campaign.proxy.shares = {}
    campaign.source.settle()
    campaign.source.settle()
    ends: list[str] = []
    while "done" not in ends and len(ends) < _RUNS:
        ends += campaign.end(campaign.start(campaign.job()))
    if ends[-1] != "done":
        yield f"In peace {len(ends)} runs ended so: {', '.join(ends)}"


def _alive(campaign: Campaign) -> Iterator[str]:
    """A fresh record arrives with the next run."""
    before = campaign.ledger.minted
    campaign.source.grow(3)
    campaign.source.settle()
    campaign.end(campaign.start(campaign.job()))
    fresh = set(range(before + 1, campaign.ledger.minted + 1))
    if not fresh <= lakes.decided(campaign.store):
        yield f"The fresh records {sorted(fresh)} did not arrive"


def _read(campaign: Campaign) -> Found:
    found = Found()
    for key in lakes.parquet_files(campaign.store):
        data = campaign.store.read(key) or b""
        try:
            if key.startswith(lakes.QUARANTINE):
                found.there.update(lakes.set_aside(data))
            else:
                rows = lakes.loaded(data)
                found.there.update(row["id"] for row in rows)
                found.problems += [f"{key}: {row} is not what was sent" for row in rows if differs(row["id"], row)]
                found.problems += [f"{key}: {row['id']} lies in another's day" for row in rows if _misplaced(key, row)]
        except Exception as error:  # noqa: BLE001 - whatever it is, it could not be read
            found.unreadable.append(f"{key}: {error}")
    return found


def _misplaced(key: str, row: dict[str, int]) -> bool:
    return f"/at_day={moment(row['id']):%Y-%m-%d}/" not in key


def _by_log(campaign: Campaign, commits: list[Manifest], there: int) -> list[str]:
    recount = verify(campaign.store, STREAM)
    problems = [f"verify: {problem}" for problem in recount.problems]
    if recount.loaded + recount.quarantined != there:
        problems.append(f"The log holds {recount.loaded + recount.quarantined} records, the files {there}")
    for lane in reader_of_log.lanes(campaign.store, STREAM):
        numbers = [commit.header.seq for commit in commits if commit.header.lane == lane]
        if numbers != list(range(1, len(numbers) + 1)):
            problems.append(f"The log of lane {lane} has gaps")
    return problems


def _events(campaign: Campaign, commits: list[Manifest]) -> list[str]:
    told = campaign.notes.counted()
    missing = [str(c) for c in commits if not told[f"event {STREAM}/{c.header.lane}/{c.header.seq}/1"]]
    return [f"Of the commits {missing} no event tells"] * bool(missing)


def _left(campaign: Campaign) -> list[str]:
    """Return what lies about. Temporary files of the killed are swept when they are old, so they are made old here."""
    left = [f"The plan {key} is left" for key in lakes.open_plans(campaign.store)]
    if campaign.source.left():
        left.append(f"{campaign.source.left()} deliveries are left")
    with campaign.server.client() as client:
        if not wait_until(lambda: not client.keys("datastream:lease:*"), timedelta(seconds=5)):
            left.append("A lease is left")
    folder = campaign.lake.folder
    if folder:
        for file in (folder / "_tmp").iterdir():
            os.utime(file, (0, 0))
        open_lake(campaign.lake)
        left += [f"{file} is left" for file in (folder / "_tmp").iterdir()]
    return left


def _broken(campaign: Campaign) -> list[str]:
    told = (line for line in campaign.notes.counted() if line.startswith("broke: "))
    return [f"A run {line}" for line in told if campaign.kind != "local" or not _FORGIVEN.match(line)]


def _count_paths(campaign: Campaign, commits: list[Manifest]) -> None:
    noted = campaign.notes.counted()
    campaign.tally.paths.update(
        {line: count for line, count in noted.items() if not line.startswith(("event", "broke"))}
    )
    mark, file = REPEATS
    campaign.tally.paths[mark] += getattr(campaign.source, "repeats_told", 0)
    if hasattr(campaign.source, "repeats_told"):
        campaign.tally.paths[file] += sum(commit.header.accounts.duplicates for commit in commits)
