"""What can go wrong between a suite and a verdict. Nothing here is ever turned into "passed":
a suite that cannot be read, understood or carried out stops the claim.
"""

from collections.abc import Iterable
from pathlib import Path

from datastream.errors import Permanent

_REASON_CHARACTERS = 300


class SuiteMissing(Permanent):
    """No file holds the suite."""

    def __init__(self, name: str, path: Path, known: Iterable[str] = ()) -> None:
        there = ", ".join(sorted(known)) or "none"
        super().__init__(f"Suite {name!r} does not exist: there is no {path}. Write that file, or use one of: {there}.")


class SuiteEmpty(Permanent):
    """A suite without expectations would pass everything, so it is refused."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f"Suite {name!r} ({where}) holds no expectations. Add at least one under 'expectations'.")


class SuiteBroken(Permanent):
    """A suite cannot be understood; `where` is its file and line, or the expectation in it."""

    def __init__(self, where: str, reason: str, way_out: str) -> None:
        super().__init__(f"{where}: {one_line(reason)} {way_out}")


class SuiteErrored(Permanent):
    """An expectation raised instead of answering, so there is no verdict."""

    def __init__(self, where: str, reason: str, columns: Iterable[object] = ()) -> None:
        self._where, self._columns = where, tuple(columns)
        there = ", ".join(map(str, self._columns))
        hint = f" The data has the columns: {one_line(there)}" if there else ""
        super().__init__(
            f"{where} could not be checked: {one_line(reason)} "
            f"Correct the expectation, or the transform before it.{hint}"
        )

    def masked(self) -> "SuiteErrored":
        """Return the error without the text of its cause, which may show a value of a row."""
        cause = type(self.__cause__).__name__ if self.__cause__ else "an error"
        hidden = f"it raised {cause}, whose text is not shown because the stream has personal data"
        return SuiteErrored(self._where, hidden, self._columns)


class DataRefused(Permanent):
    """The data is nothing that a suite can be held against."""


def one_line(text: str) -> str:
    """Return the text as one clipped line that ends like a sentence."""
    line = " ".join(text.split())
    if len(line) > _REASON_CHARACTERS:
        line = line[: _REASON_CHARACTERS - 3] + "..."
    return line if line.endswith((".", "!", "?")) or not line else f"{line}."
