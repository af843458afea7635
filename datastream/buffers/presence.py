"""Who is at work, seen by everybody: a run, and the holder of a lease, keep a connection that bears their name.

The kernel closes it with the process, at once and however that ends, and not before, whatever Python is busy with: a
run that checks a claim for minutes shows no other sign of life and is seen all the same. Nobody is judged where the
list of connections cannot be had, where it does not show who asks (a proxy is in between), or just after a restart.

Keys: `datastream:run:{run}`, which says that the run is to be seen, and how its work ended; it is kept for an hour.
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
import redis

from datastream.buffers.connection import again_at_once, connect
from datastream.connections import BufferConfig

logger = logging.getLogger(__name__)

BEAT = timedelta(seconds=5)
"""How often a connection is used, and opened again if it broke."""
KEPT = timedelta(hours=1)
SETTLED = timedelta(minutes=1)
"""After a restart of the server, for all who live to connect again, whatever they are busy with."""


class Ending(msgspec.Struct, frozen=True):
    """How the work of a run ended, in the words of a state of Prefect; `type` is empty while it works."""

    type: str = ""
    name: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """A run that announced itself: whether its process lives, and how its work ended if it did."""

    connected: bool
    ending: Ending


@dataclass(slots=True)
class Told:
    """What a run says of its end before it goes."""

    ending: Ending = field(default_factory=Ending)


def name_of(run: str) -> str:
    """Return what the connection of a run is called."""
    return f"datastream-run-{run}"


@contextmanager
def in_sight(buffer: BufferConfig | None, run: str | None, beat: timedelta = BEAT) -> Iterator[Told]:
    """Be seen for as long as the block lasts, and leave word of how it ended, if that is told.

    Without a buffer, or while it is away, the run goes on unseen.
    """
    told, done = Told(), threading.Event()
    if buffer is None or run is None:
        yield told
        return
    with connect(buffer, name_of(run)) as client:
        _say(client, run, told)
        thread = threading.Thread(target=_beat, args=(client, run, told, beat, done), name="presence", daemon=True)
        thread.start()
        try:
            yield told
        finally:
            done.set()
            thread.join()
            _say(client, run, told)


def _beat(client: redis.Redis, run: str, told: Told, beat: timedelta, done: threading.Event) -> None:
    while not done.wait(beat.total_seconds()):
        _say(client, run, told)


def _say(client: redis.Redis, run: str, told: Told) -> None:
    said = msgspec.json.encode(told.ending)
    try:
        again_at_once(lambda: client.set(_key(run), said, px=KEPT))
    except redis.RedisError as error:
        logger.debug("The run is not seen at work for now: %s", error)


def seen(client: redis.Redis, runs: Iterable[str], settled: timedelta = SETTLED) -> Mapping[str, Sight] | None:
    """Return those of `runs` that announced themselves, or None if nobody can be judged now. Raises RedisError."""
    wanted = list(runs)
    if not wanted:
        return {}
    names = connected(client, settled)
    if names is None:
        return None
    found = {run: Sight(connected=True, ending=Ending()) for run in wanted if name_of(run) in names}
    for run, said in zip(wanted, client.mget([_key(run) for run in wanted]), strict=True):
        if said is not None:
            with suppress(msgspec.DecodeError):
                found[run] = Sight(run in found, msgspec.json.decode(said, type=Ending))
    return found


def connected(client: redis.Redis, settled: timedelta = SETTLED) -> set[str] | None:
    """Return the names of all connections; None where they say nothing of who lives. Raises RedisError."""
    own = client.get_connection_kwargs().get("client_name")
    try:
        names = {found["name"] for found in client.client_list()}
        uptime = client.info("server")["uptime_in_seconds"]
    except redis.ResponseError:  # by its access list, or because the command was renamed
        return None
    return names if own and own in names and uptime >= settled.total_seconds() else None


def _key(run: str) -> str:
    return f"datastream:run:{run}"
