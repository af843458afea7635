"""Counts as a server would that keeps a limit."""

from collections import deque
from collections.abc import Iterable
from datetime import timedelta


def most_within(span: timedelta, moments: Iterable[float]) -> int:
    """Return the most moments, in seconds, that lie in any such span."""
    most, window = 0, deque[float]()
    for moment in sorted(moments):
        window.append(moment)
        while window[0] <= moment - span.total_seconds():
            window.popleft()
        most = max(most, len(window))
    return most
