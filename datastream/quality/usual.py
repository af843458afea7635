"""What is usual, from few values that may hold odd ones: the median, and how far values lie from it (MAD).

A median of few values is a guess, and so is a MAD: by five times the MAD of seven values, one in a hundred harmless
ones is called odd. So the fewer there are, the further off a value may lie; tried by simulation in the tests.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import median

ENOUGH = 7
_SIGMA = 1.4826
"""What a MAD is multiplied by, to be the standard deviation of values that are normally distributed."""
_SIGMAS, _DOUBT = 5.0, 12.0
_SHARE = 0.2


def spread(values: Sequence[float], centre: float | None = None) -> float:
    """Return how far a value may lie from the median of `values` and still be usual."""
    centre = median(values) if centre is None else centre
    return _SIGMAS * (1 + _DOUBT / len(values)) * _SIGMA * median(abs(value - centre) for value in values)


def margin(centre: float, spread_: float) -> float:
    """Return how far a count may lie from the usual: never less than a fifth, nor than what chance does to counts."""
    return max(spread_, _SHARE * centre, _SIGMAS * sqrt(centre))
