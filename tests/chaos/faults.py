"""What may befall a stream, each as one small story."""

import json
import os
from collections.abc import Callable, Iterable
from time import sleep

import redis

from datastream.buffers import scripts
from tests.chaos import lakes
from tests.chaos.campaign import Campaign, full
from tests.chaos.sources import LANE
from tests.chaos.tally import POINTS

Fault = Callable[[Campaign], None]
_SLEEPS = tuple(point for point in POINTS if not point.startswith("claim"))


def a_kill(campaign: Campaign) -> None:
    """One worker is killed at one point."""
    campaign.end(campaign.start(campaign.job(crash=1)))


def a_crowd(campaign: Campaign) -> None:
    """Two or three workers on one lane, some with leases and some without, most of them killed."""
    chance = campaign.chance
    jobs = [campaign.job(crash=0.9, leased=chance.random() < 0.15) for _ in range(chance.choice((2, 3)))]
    workers = campaign.start(*jobs)
    campaign.trickle(workers)
    campaign.end(workers)


def a_sleeper(campaign: Campaign) -> None:
    """A worker stops between two steps; others go on, under another deploy at times, and then it wakes up."""
    chance = campaign.chance
    leased = chance.random() < 0.2
    [sleeper] = campaign.start(campaign.job(leased=leased, stop_at=(chance.choice(_SLEEPS), 0.6)))
    if sleeper.falls_asleep():
        campaign.deploy = chance.choice(campaign.deploys)
        for crash in (0.5, 0):
            campaign.source.grow(chance.randint(5, 20))
            campaign.end(campaign.start(campaign.job(crash=crash, leased=leased)))
        sleeper.wake()
    campaign.end([sleeper])


def a_late_sleeper(campaign: Campaign) -> None:
    """A worker sleeps before its decision until its claim is committed by another."""
    [sleeper] = campaign.start(campaign.job(stop_at=(campaign.chance.choice(("check.after", "decide.before")), 1)))
    if sleeper.falls_asleep():
        campaign.deploy = campaign.chance.choice(campaign.deploys)
        campaign.end(campaign.start(campaign.job()))
        sleeper.wake()
    campaign.end([sleeper])


def a_beaten_sleeper(campaign: Campaign) -> None:
    """A worker sleeps before its decision; another decides and is killed. The sleeper has to obey."""
    [sleeper] = campaign.start(campaign.job(stop_at=("decide.before", 1)))
    if sleeper.falls_asleep():
        campaign.deploy = campaign.chance.choice(campaign.deploys)
        campaign.end(campaign.start(campaign.job(crash_at="decide.after:1")))
        sleeper.wake()
    campaign.end([sleeper])


def a_sleep_of_many(campaign: Campaign) -> None:
    """Workers are stopped from outside at any moment, and woken in another order."""
    workers = campaign.start(*(campaign.job(crash=0.5) for _ in range(3)))
    for worker in workers:
        sleep(campaign.chance.uniform(0, 0.05))
        worker.stop()
        campaign.source.grow(campaign.chance.randint(1, 5))
    campaign.end(campaign.start(campaign.job(crash=0.5)))
    campaign.chance.shuffle(workers)
    for worker in workers:
        worker.wake()
        sleep(campaign.chance.uniform(0, 0.05))
    campaign.end(workers)


def a_dead_holder(campaign: Campaign) -> None:
    """The holder of the lease is killed, and the next waits until its lease has run out."""
    campaign.end(campaign.start(campaign.job(crash=1, leased=True, surely=True)))
    campaign.end(campaign.start(campaign.job(leased=True)))


def a_buffer_killed(campaign: Campaign) -> None:
    """Valkey is killed while workers run and senders post, and comes back."""
    _meanwhile(campaign, campaign.server.kill)
    campaign.server.start()


def a_buffer_emptied(campaign: Campaign) -> None:
    """Somebody says FLUSHALL. What was not decided by then is gone, and the harness knows what that is."""
    decided = lakes.decided(campaign.store)
    with campaign.server.client() as client:
        workers = campaign.start(*(campaign.job(crash=0.5) for _ in range(2)))
        sleep(campaign.chance.uniform(0, 0.2))
        _excuse(campaign, _flush(client), decided)
        campaign.trickle(workers)
        campaign.end(workers)


def a_buffer_put_back(campaign: Campaign) -> None:
    """An older copy of the buffer is restored, or none at all: entries come again, others are gone."""
    if campaign.chance.random() < 0.7:
        campaign.server.copy()
    workers = campaign.start(campaign.job(crash=0.5))
    campaign.trickle(workers)
    campaign.end(workers)
    decided = lakes.decided(campaign.store)
    with campaign.server.client() as client:
        before = _entries(client)
    campaign.server.kill()
    campaign.server.put_back()
    campaign.server.start()
    with campaign.server.client() as client:
        after = dict(_entries(client))
    _excuse(campaign, [(name, body) for name, body in before if name not in after], decided)
    campaign.end(campaign.start(campaign.job(crash=0.5)))


def a_full_disk(campaign: Campaign) -> None:
    """The lake's disk has a few kilobytes left, or none; later somebody makes room. Of S3 an answer is lost instead."""
    if campaign.kind != "local":
        a_lost_answer(campaign)
    elif campaign.disk is None:  # a limit on the size of files says "File too large" where a full disk says "No space"
        campaign.end(campaign.start(campaign.job(file_bytes=campaign.chance.choice((0, 1000, 3000)))))
    else:
        filler = full(campaign.disk)
        os.truncate(filler, max(0, filler.stat().st_size - campaign.chance.choice((0, 4096, 20_000, 60_000))))
        campaign.end(campaign.start(campaign.job(), campaign.job(crash=0.5)))
        filler.unlink()


def a_lost_answer(campaign: Campaign) -> None:
    """S3 creates a plan, a file and a manifest, and each time the answer is lost."""
    if campaign.proxy is None:
        a_kill(campaign)
        return
    campaign.proxy.lose = [".plan", ".parquet", ".json"]
    campaign.end(campaign.start(campaign.job()))
    campaign.proxy.lose = []


EACH: tuple[Fault, ...] = (
    a_kill, a_crowd, a_sleeper, a_late_sleeper, a_beaten_sleeper, a_sleep_of_many, a_dead_holder, a_full_disk,
    a_lost_answer, a_buffer_killed, a_buffer_emptied, a_buffer_put_back,
)  # fmt: skip
LOCAL: dict[Fault, float] = {
    a_kill: 6, a_crowd: 8, a_sleeper: 3, a_late_sleeper: 1, a_sleep_of_many: 1, a_dead_holder: 1, a_full_disk: 1,
    a_buffer_killed: 1, a_buffer_emptied: 0.7, a_buffer_put_back: 0.7,
}  # fmt: skip
REMOTE: dict[Fault, float] = {a_kill: 1, a_crowd: 12, a_sleeper: 1, a_sleep_of_many: 1, a_lost_answer: 0.3}
"""On S3 the others come last, and not in each campaign: in each new epoch of the buffer a worker reads all that is
committed anew."""


def _meanwhile(campaign: Campaign, happens: Callable[[], None]) -> None:
    workers = campaign.start(*(campaign.job(crash=0.5) for _ in range(2)))
    sleep(campaign.chance.uniform(0, 0.2))
    happens()
    campaign.trickle(workers)
    campaign.end(workers)


def _entries(client: redis.Redis) -> list[tuple[str, bytes]]:
    """Return the deliveries that wait, by the id of the sender."""
    return [(fields[b"id"].decode(), fields[b"body"]) for _, fields in client.xrange(scripts.entries(LANE))]


def _flush(client: redis.Redis) -> list[tuple[str, bytes]]:
    """Empty the buffer, and return what waited in it at that very moment."""
    with client.pipeline(transaction=True) as pipeline:
        pipeline.xrange(scripts.entries(LANE))
        pipeline.flushall()
        found, _ = pipeline.execute()
    return [(fields[b"id"].decode(), fields[b"body"]) for _, fields in found]


def _excuse(campaign: Campaign, gone: Iterable[tuple[str, bytes]], decided: set[int]) -> None:
    """Excuse the records of deliveries that are gone, unless they were decided before: those have to be there."""
    for _, body in gone:
        rows = json.loads(body)
        numbers = {row["id"] for row in (rows if isinstance(rows, list) else [rows])}
        campaign.ledger.taken(numbers - decided)
