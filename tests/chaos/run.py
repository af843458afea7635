"""A chaos run: campaign after campaign on each kind of lake, until every figure that was asked for is reached."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from threading import Event
from time import monotonic

from datastream.connections import LakeConfig
from tests.chaos import judge, reader, ways
from tests.chaos.campaign import Campaign
from tests.chaos.faults import EACH, LOCAL, REMOTE, Fault
from tests.chaos.tally import POINTS, SOMETIMES, Tally
from tests.chaos.ways import Way
from tests.seaweedfs import seaweedfs

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Front:
    """What one kind of lake has to stand: every way once, and then in turn until the figures are reached."""

    ways: tuple[Way, ...]
    rounds: int
    """Of one campaign: with every commit a lake's log grows, and each worker reads it."""
    hits: int = 0
    """Of each crash point."""
    kills: int = 0
    records: int = 0
    seconds: float = 0
    """After these no other campaign is begun."""


FOLDER = (Way("webhook", "local"), Way("api", "local"), Way("spans", "local"))
S3 = (Way("webhook", "s3"), Way("api", "s3"))
FULL = {
    "local": Front(FOLDER, rounds=70, hits=30, kills=250, records=6_000, seconds=900),
    "s3": Front(S3, rounds=60, hits=30, kills=250, records=6_000, seconds=900),
}
QUICK = {
    "local": Front(FOLDER, rounds=24, hits=1, kills=20, records=1_000, seconds=30),
    "s3": Front(S3[:1], rounds=len(EACH), records=300),
}


class Chaos:
    """One run from a seed. The fronts are fought side by side, each with a tally of its own."""

    def __init__(self, fronts: dict[str, Front], seed: int, folder: Path, plant: str = "") -> None:
        self._fronts, self._seed, self._folder, self._plant = fronts, seed, folder, plant
        self._tallies = {lake: Tally() for lake in fronts}
        self._stopped = Event()

    def run(self, tell: Tell) -> Tally:
        """Run every front to its end, and return what happened on all of them."""
        with ThreadPoolExecutor(len(self._fronts)) as threads:
            try:
                list(threads.map(lambda lake: self._front(lake, tell), self._fronts))
            except BaseException:  # above all a person's Ctrl-C, which the other front does not hear
                self._stopped.set()
                raise
        tally = sum(self._tallies.values(), Tally())
        tally.problems += [problem for lake in self._fronts for problem in self._lacking(lake)]
        tally.problems += [f"Never seen: {path}" for path in SOMETIMES if not tally.paths[path]]
        return tally

    def _front(self, lake: str, tell: Tell) -> None:
        tally, began = self._tallies[lake], monotonic()
        with ExitStack() as held:
            s3 = held.enter_context(_weed(self._folder / "seaweedfs")) if lake == "s3" else None
            for number, way in enumerate(self._ways(lake, began), 1):
                self._campaign(number, way, s3)
                tell(
                    f"{way}: {tally.records:,} records, {tally.kills.total():,} kills, each point at least "
                    f"{tally.fewest(lake)} times; lost {tally.lost}, duplicated {tally.duplicated}, unreadable "
                    f"{tally.unreadable}, problems {len(tally.problems)}"
                )

    def _ways(self, lake: str, began: float) -> Iterator[Way]:
        front = self._fronts[lake]
        yield from front.ways
        for way in cycle(front.ways):
            if self._stopped.is_set() or not self._lacking(lake) or monotonic() - began > front.seconds:
                return
            yield way

    def _lacking(self, lake: str) -> list[str]:
        front, tally = self._fronts[lake], self._tallies[lake]
        hits = {point: tally.hits(point, lake) for point in POINTS}
        lacking = [f"{point} killed {n} times on {lake}: too seldom" for point, n in hits.items() if n < front.hits]
        lacking += [f"{tally.kills.total()} kills on {lake} are too few"] * (tally.kills.total() < front.kills)
        return lacking + [f"{tally.records} records on {lake} are too few"] * (tally.records < front.records)

    def _campaign(self, number: int, way: Way, s3: LakeConfig | None) -> None:
        front, tally = self._fronts[way.lake], self._tallies[way.lake]
        folder = self._folder / f"{way.lake}-{number}"
        seed, first = f"{self._seed}/{folder.name}", number <= len(front.ways)
        with ways.campaign(way, folder, s3, tally, seed, self._plant) as campaign:
            with ways.watched(campaign, folder) as findings:
                for fault in _faults(campaign, front.rounds, EACH if first or way.lake == "local" else ()):
                    if self._stopped.is_set():
                        return
                    campaign.round(fault)
            judge.finish(campaign, reader.found(findings))


def _faults(campaign: Campaign, rounds: int, last: Sequence[Fault]) -> list[Fault]:
    """Return some faults by their weight, and then these."""
    weights = LOCAL if campaign.kind == "local" else REMOTE
    return [*campaign.chance.choices(list(weights), list(weights.values()), k=rounds - len(last)), *last]


def _weed(folder: Path) -> AbstractContextManager[LakeConfig]:
    folder.mkdir()
    return seaweedfs(folder)
