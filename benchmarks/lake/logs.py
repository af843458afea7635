"""Logs of any length, made of real commits of one small file each."""

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

import msgspec

from benchmarks.lake.claims import STREAM, NoIntake, batch, met
from datastream import pipeline
from datastream.lake.log import Log
from datastream.lake.manifest import Header, Manifest
from datastream.lake.store import Store
from datastream.lane import open_lane
from datastream.quality import Suite

_ROWS = 10
_SUITE = Suite(name="flights", version="1", rules=())


def commits_of(store: Store, count: int) -> None:
    """Make so many commits. All but the first are copies of its manifest, with numbers of their own."""
    open_and_commit(store)
    log = Log(store, STREAM.name)
    index, first = log.opened()
    if first is None:
        raise AssertionError("nothing was committed")
    made = [_numbered(first, seq) for seq in range(2, count + 1)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(log.commit, made))
    for manifest in made:
        index = index.add(manifest)
        log.keep(index)


def _numbered(first: Manifest, seq: int) -> Manifest:
    header: Header = msgspec.structs.replace(first.header, seq=seq)
    return msgspec.structs.replace(first, header=header)


def open_and_commit(store: Store) -> float:
    """Open the lane and make one more commit; return how long that takes, in seconds."""
    began = perf_counter()
    with open_lane(STREAM, _SUITE, store, NoIntake(), run="benchmark") as lane:
        plan = pipeline.decide(lane, batch(lane.next_seq, _ROWS), met(_ROWS))
        if plan is not None:
            pipeline.complete(lane, plan)
    return perf_counter() - began
