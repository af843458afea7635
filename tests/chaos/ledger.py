"""The oracle: which records have to arrive, and which may. It knows what senders were told, and nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Records by their numbers. What was accepted is owed; what nobody answered for, or a flush took, may come once."""

    owed: set[int] = field(default_factory=set)
    excused: set[int] = field(default_factory=set)
    minted: int = 0

    def mint(self, count: int) -> range:
        """Return numbers that no record had yet."""
        self.minted += count
        return range(self.minted - count + 1, self.minted + 1)

    def accepted(self, numbers: Iterable[int]) -> None:
        """Owe records from now on, also those that were excused before."""
        numbers = set(numbers)
        self.owed |= numbers
        self.excused -= numbers

    def unsure(self, numbers: Iterable[int]) -> None:
        """Allow records that may have been accepted."""
        self.excused |= set(numbers) - self.owed

    def taken(self, numbers: Iterable[int]) -> None:
        """Excuse records that the buffer lost before they were decided."""
        gone = set(numbers) & self.owed
        self.owed -= gone
        self.excused |= gone
