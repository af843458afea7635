"""The contract of an intake."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from datastream.claim import Claim
from datastream.lake.index import Index, Span


class Intake(Protocol):
    """Where the records of one lane come from. Offsets are its own affair, and kept in each manifest."""

    def claims(
        self, offsets: Mapping[str, Any], schema: Mapping[str, str], stopped: Callable[[], bool]
    ) -> Iterator[Claim]:
        """Yield what waits behind `offsets`, claim after claim, to the end of what waits now.

        Nothing is forgotten by it: until a claim is committed it may be taken again. What one claim teaches of types,
        the next one knows. `stopped` tells when nobody wants more.
        """

    def may_repeat(self, span: Span, claim: Claim) -> bool:
        """Tell whether some commits may hold records of `claim` already, beyond what their cursors say."""

    def may_lie_elsewhere(self, index: Index, claim: Claim) -> bool:
        """Tell whether a record of `claim` may have been committed in another lane, by what this lane's index says."""

    def ids_by(self, identity: Mapping[str, Any], claim: Claim) -> Sequence[str | None]:
        """Return the ids of the claim's records as a commit with another identity would have given them."""

    def settle(self, offsets: Mapping[str, Any]) -> None:
        """Forget what lies before `offsets`, which are committed. Repeating it is harmless."""

    def label(self, offsets: Mapping[str, Any]) -> str:
        """Return what would be read, for people."""
