"""The contract of a stream buffer: deliveries wait in lanes, in the order they came, until their claim is committed.

Redis and memory hold to it, and one contract suite to both. A buffer holds nothing that correctness needs once a claim
is decided; what it promises is that a delivery which was appended is still there, and only once.
"""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import NamedTuple, Protocol

import msgspec

from datastream.errors import Permanent, Transient

FIRST_LANE = "0"
MOST_LANES = 64
"""Of one stream. So many are looked into where nobody knows which were ever used."""
BEGINNING = "0-0"
"""The position before the first entry of an epoch."""


class BufferAway(Transient):
    """The buffer does not answer, or not now."""


class BufferFull(Transient):
    """The buffer has no room left."""


class BufferRefused(Permanent):
    """The buffer does not let us in."""


class BufferUnsafe(Permanent):
    """The buffer is set up so that it could lose what it accepted."""


class EpochChanged(Permanent):
    """The buffer was restarted, restored or emptied since its epoch was asked for."""


class Delivery(NamedTuple):
    """What a sender posted: its own id for it, and the body as it came."""

    id: str
    body: bytes


class Entry(NamedTuple):
    """A delivery as it waits. `position` is `milliseconds-number`, by the buffer's clock, and only grows."""

    position: str
    delivery: Delivery


class Reach(msgspec.Struct, frozen=True):
    """What waits in a lane at one moment. Positions of different epochs cannot be compared."""

    epoch: str
    last: str
    waiting: int
    """How many deliveries."""
    added: int
    """How many were ever added; fewer than before means that the buffer lost some, or all it knew of the lane."""


class Buffer(Protocol):
    """Deliveries by lane, named by `lane_of`. What is remembered of a delivery, and the epoch, is its stream's."""

    def append(self, lane: str, deliveries: Sequence[Delivery], remembered: timedelta) -> list[bool]:
        """Keep deliveries, and return of each whether it is new; one with an id that is remembered is not kept again.

        When this returns they are as durable as the buffer is. An exception means unknown: append again, with the same
        ids. Raises BufferAway, BufferFull and BufferRefused, as all of these do.
        """

    def reach(self, lane: str) -> Reach:
        """Return how far the lane goes now."""

    def read(self, lane: str, epoch: str, after: str, count: int) -> list[Entry]:
        """Return entries after a position, oldest first: none only if there are none, and at most `count`.

        A few large ones may be all of it. Raises EpochChanged.
        """

    def trim(self, lane: str, epoch: str, upto: str) -> None:
        """Forget the entries up to and including a position. Of another epoch nothing is forgotten."""

    def depth(self, lane: str) -> int:
        """Return how many deliveries wait."""

    def check(self) -> str:
        """Return what the buffer is, in a sentence. Raises BufferUnsafe when it could lose or forget what it took."""


def received_at(position: str) -> int:
    """Return when an entry came, in milliseconds of UTC by the buffer's clock."""
    return int(position.partition("-")[0])


def position_order(position: str) -> tuple[int, int]:
    """Return what positions of one epoch are sorted by."""
    milliseconds, _, number = position.partition("-")
    return int(milliseconds), int(number)


def lane_of(stream: str, lane: str = FIRST_LANE) -> str:
    """Return what a buffer calls a lane of a stream."""
    return f"{stream}:{lane}"


def shard_of(delivery_id: str, shards: int) -> str:
    """Return the lane that a delivery belongs to: a repeat lands where the first one did."""
    digest = blake2b(delivery_id.encode(), digest_size=8).digest()
    return str(int.from_bytes(digest) % shards)
