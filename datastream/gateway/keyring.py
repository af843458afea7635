"""Who may post where: the webhook streams and the secrets of each, read again and again in the background.

A new stream, a changed file and a rotated secret count within 30 s. What cannot be read keeps what was known of it and
is named by `check`; only where it is certain that there are no secrets is nobody let in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from datastream.auth import SecretsMissing
from datastream.buffers import lane_of, shard_of
from datastream.catalog import Catalog, Stream, StreamInvalid, StreamMissing, WebhookSpec
from datastream.clock import Clock, SystemClock
from datastream.connections import WebhookConfig
from datastream.errors import DatastreamError, Permanent, Transient

Resolve = Callable[[Stream], WebhookConfig]
"""Returns what the posts to a stream are signed with. Raises SecretsMissing, or another error of ours."""

_SOON = timedelta(seconds=2)
_MISSED = 3
"""So many readings may fail to end before it is told."""


class StreamsUnread(Transient):
    """The streams have not been read yet, or not for a while."""


class StreamsTroubled(Transient):
    """Some streams take posts by what was known of them before, or take none."""


class NotTaken(Permanent):
    """No posts are taken under this name."""


@dataclass(frozen=True, slots=True)
class Door:
    """What it takes to post to a stream. Without keys nobody can."""

    stream: str
    dedup: timedelta
    shards: int = 1
    keys: tuple[bytes, ...] = ()
    tolerance: timedelta = timedelta()

    def lane(self, delivery_id: str) -> str:
        """Return where a delivery waits, as the buffer calls it."""
        return lane_of(self.stream, shard_of(delivery_id, self.shards))

    @property
    def lanes(self) -> list[str]:
        """All lanes of the stream, as the buffer calls them."""
        return [lane_of(self.stream, str(number)) for number in range(self.shards)]


class _Known(NamedTuple):
    doors: Mapping[str, Door] = {}
    troubles: tuple[str, ...] = ()
    read_at: float | None = None


class Keyring:
    """The doors that are known. `refresh` runs beside the event loop: what it finds is swapped in at once."""

    def __init__(
        self,
        catalog: Catalog,
        resolve: Resolve,
        *,
        every: timedelta = timedelta(seconds=30),
        clock: Clock | None = None,
    ) -> None:
        self.every = every
        self._catalog = catalog
        self._resolve = resolve
        self._clock = clock or SystemClock()
        self._known = _Known()

    @property
    def next_reading(self) -> timedelta:
        """When to read again: sooner while something is amiss, which somebody may be mending."""
        return min(self.every, _SOON) if self._known.troubles else self.every

    @property
    def doors(self) -> Mapping[str, Door]:
        """The webhook streams by name."""
        return self._known.doors

    def door(self, name: str) -> Door:
        """Return what it takes to post to a stream. Raises NotTaken and StreamsUnread."""
        known = self._known
        if door := known.doors.get(name):
            return door
        if known.read_at is None:
            raise StreamsUnread("The streams have not been read yet.")
        raise NotTaken(
            "No webhook stream has this name. Correct the address: /webhooks/ and the stream's name as it is written, "
            "with nothing behind it. A stream that is read from an API is not posted to."
        )

    def refresh(self) -> None:
        """Read the streams and their secrets anew."""
        read = {name: self._read(name) for name in self._catalog.names()}
        doors = {name: door for name, (door, _) in read.items() if door}
        troubles = tuple(trouble for _, trouble in read.values() if trouble)
        if not doors:
            # A folder that is being replaced must not answer 404, which makes a sender give up.
            doors = dict(self._known.doors)
            troubles += ("No webhook stream is described now. Write one in streams/, with source.kind webhook.",)
        self._known = _Known(doors, troubles, self._clock.monotonic())

    def check(self) -> str:
        """Return which streams take posts. Raises StreamsUnread and StreamsTroubled."""
        doors, troubles, read_at = self._known
        if read_at is None:
            raise StreamsUnread("The streams have not been read yet.")
        if self._clock.monotonic() - read_at > _MISSED * self.every.total_seconds():
            raise StreamsUnread(
                f"The streams could not be read again {_MISSED} times, {self.every.total_seconds():g} s apart; what "
                "was known before counts. Does the Prefect server answer?"
            )
        if troubles:
            raise StreamsTroubled(" ".join(troubles))
        return f"Posts are taken for {', '.join(sorted(doors))}."

    def _read(self, name: str) -> tuple[Door | None, str]:
        """Return the door of a stream, None if it has none, and what is wrong with it."""
        before = self._known.doors.get(name)
        try:
            stream = self._catalog.stream(name)
        except StreamInvalid as error:
            return before or Door(name, timedelta()), str(error)
        except StreamMissing as error:
            return None, str(error)
        if not isinstance(stream.source, WebhookSpec):
            return None, ""
        door = Door(name, stream.source.dedup, stream.shards)
        try:
            config = self._resolve(stream)
        except SecretsMissing as error:
            return door, str(error)
        except DatastreamError as error:
            return replace(door, keys=before.keys, tolerance=before.tolerance) if before else door, str(error)
        return replace(door, keys=tuple(config.keys), tolerance=config.tolerance), ""
