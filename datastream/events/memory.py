"""An event bus that lives as long as its process, for unit tests."""

from collections.abc import Sequence

from datastream.events.event import Event


class MemoryBus:
    """Keeps what was published, in order, repeats and all."""

    def __init__(self) -> None:
        self.published: list[Event] = []

    def publish(self, events: Sequence[Event]) -> None:
        self.published += events

    def check(self) -> str:
        return "The memory of this process takes events."

    def close(self) -> None:
        return
