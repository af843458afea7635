"""How many workers there are to be. Nothing here waits, asks or starts anything; time is an argument.

What is asked for has to last before it is given: a need that comes and goes at once moves nothing. Growing goes as far
as was needed all that time, and shrinking as far as was enough all that time.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

from datastream.errors import Permanent

_MOST = 200
"""No more than the Prefect server tells of at once; long before that, a machine has no memory left."""


class BoundsWrong(Permanent):
    """There cannot be such a number of workers."""


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """Between `least` and `most` workers, each with `runs_each` runs at once at most."""

    least: int = 3
    most: int = 10
    runs_each: int = 1
    grows_after: timedelta = timedelta(seconds=10)
    """Longer than it takes until a run that is due is taken, so that this alone starts no worker."""
    shrinks_after: timedelta = timedelta(minutes=5)
    """As long as schedules usually lie apart, so that the next one finds them."""

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most <= _MOST:
            raise BoundsWrong(
                f"There cannot be {self.least} workers at least and {self.most} at most. Name 1 or more as --min, and "
                f"no less than it as --max, which is {_MOST} at most."
            )
        if self.runs_each < 1:
            raise BoundsWrong(f"A worker cannot have {self.runs_each} runs at once. Name 1 or more as --limit.")

    def need(self, runs: int) -> int:
        """Return how many workers so many runs would keep busy, within the bounds."""
        return min(max(math.ceil(runs / self.runs_each), self.least), self.most)


@dataclass(frozen=True, slots=True)
class Scale:
    """How many workers there are to be; and, while another number is asked for, since when, and for how many always."""

    workers: int
    since: float | None = None
    needed: int = 0


def scaled(policy: ScalingPolicy, scale: Scale, runs: int | None, now: float) -> Scale:
    """Return the scale after a look at `now`, by a clock that does not jump; what is not known moves nothing."""
    if runs is None:
        return Scale(scale.workers)
    need, workers = policy.need(runs), scale.workers
    if need == workers:
        return Scale(workers)
    grows = need > workers
    if scale.since is None or grows != (scale.needed > workers) or now < scale.since:
        return Scale(workers, now, need)
    needed = min(scale.needed, need) if grows else max(scale.needed, need)
    lasts = policy.grows_after if grows else policy.shrinks_after
    if now - scale.since >= lasts.total_seconds():
        return Scale(needed)
    return Scale(workers, scale.since, needed)
