"""The contract of an intake."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from datastream.claim import Claim
from datastream.lake.manifest import DataFile, Manifest


class Intake(Protocol):
    """Where the records of one lane come from. Offsets are its own affair, and kept in each manifest."""

    def claims(
        self, offsets: Mapping[str, Any], schema: Mapping[str, str], stopped: Callable[[], bool]
    ) -> Iterator[Claim]:
        """Yield what waits behind `offsets`, claim after claim, to the end of what waits now.

        Nothing is forgotten by it: until a claim is committed it may be taken again. What one claim teaches of types,
        the next one knows. `stopped` tells when nobody wants more.
        """

    def suspects(self, commits: Sequence[Manifest], claim: Claim) -> Iterable[DataFile]:
        """Return the files that may hold records of `claim` already."""

    def settle(self, offsets: Mapping[str, Any]) -> None:
        """Forget what lies before `offsets`, which are committed. Repeating it is harmless."""

    def label(self, offsets: Mapping[str, Any]) -> str:
        """Return what would be read, for people."""
