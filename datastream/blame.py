"""Finds the rows that somebody's code cannot stand, so that one odd record does not hold up all others of its lane.

Code that fails for many rows is broken itself: it stops the run, as before, and nothing is set aside.
"""

from collections.abc import Callable

MOST = 16
"""So many rows of a claim may be to blame at most."""

Fate = Callable[[int, int], str | None]
"""Tries the rows from a place on, so many, and returns what goes wrong with them, if something does."""


def to_blame(rows: int, fate: Fate, least: int = 0) -> dict[int, str] | None:
    """Return the rows that go wrong alone, and how, found by halves; None if they are too many to be the odd ones.

    No more than half of them are odd ones, but `least` always may be.
    """
    found: dict[int, str] = {}
    left = [(0, rows)]
    while left:
        start, count = left.pop()
        wrong = fate(start, count)
        if wrong is None:
            continue
        if count <= 1:
            found[start] = wrong
        else:
            left += [(start, count // 2), (start + count // 2, count - count // 2)]
        if len(found) > min(MOST, max(least, rows // 2)):
            return None
    return found
