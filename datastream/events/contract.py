"""The contract of an event bus, and how it says that an event may not have arrived.

At least once: an event that was confirmed is kept by the broker, and may have been published before. Whoever consumes
it tells repeats by its id.
"""

from collections.abc import Sequence
from typing import Protocol

from datastream.errors import Permanent, Transient
from datastream.events.event import Event


class BrokerAway(Transient):
    """The broker cannot be reached, or went away, or does not answer."""


class BrokerBlocked(Transient):
    """The broker takes no messages until it has memory and disk again."""


class BrokerUnusable(Permanent):
    """The broker refuses us, or its address cannot be used."""


class EventRefused(Transient):
    """The broker did not take an event, or had no queue for it."""


class EventBus(Protocol):
    """Carries events to whoever bound a queue. It never tries again by itself: who calls it decides that, once."""

    def publish(self, events: Sequence[Event]) -> None:
        """Return once the broker has confirmed all, in order. An exception means *unknown*: publish them again."""

    def check(self) -> str:
        """Return which broker would take an event now. Raises as `publish` does."""

    def close(self) -> None:
        """Give the connection back; closing twice is fine."""
