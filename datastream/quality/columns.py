"""Have the columns the nulls and the variety they had? A sample's profiles, column by column, against those before.

Both a number and a share have to change, beyond what any earlier sample showed and what chance does to a sample: small
changes are for the suite, which knows what each row has to be.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from math import sqrt

from datastream.quality.check import Check, percent, result
from datastream.quality.profiles import LEAST_ROWS, Profile
from datastream.quality.usual import ENOUGH

_NULLS_MORE, _VARIETY_MORE, _REPEATS_MORE = 0.05, 10.0, 0.01
_TIMES, _TIMES_OTHERS = 1.5, 5.0
"""The latter for variety where too few samples of this one's size are known."""
_SIGMAS = 5.0
_UNIQUE_ROWS = 1000
_LIKE, _LARGE = 1.5, 10_000
_SURE = 7.0
"""Where nothing was seen in all of them, no more than so many were to be expected (Poisson, 99.9%)."""


def judged(
    now: Mapping[str, Profile], before: Mapping[str, Sequence[Profile]], span: timedelta, *, learned: bool = True
) -> Iterator[Check]:
    """Yield two lines a column, the second of them where its values can be counted.

    None is judged before seven samples that lie `span` apart in all: what is usual at night may not be at noon.
    """
    for name, profile in now.items():
        earlier = [each for each in before.get(name, ()) if each.rows >= LEAST_ROWS]
        known = learned and len(earlier) >= ENOUGH and profile.at - earlier[0].at >= span
        yield _nulls(name, profile, earlier if known else [])
        yield _unique(name, profile, earlier if known else [])


def summary(check: str, of: Sequence[Check], why_none: str) -> Check:
    """Return one line for all columns, of which none is odd."""
    asked = [each for each in of if each.result != "not judged"]
    observed = f"{len(asked):,} of {len(of):,} columns are judged" if of else why_none
    return Check(check, observed, "as usual" if asked else "", result(True if asked else None))


def _nulls(name: str, now: Profile, earlier: Sequence[Profile]) -> Check:
    observed = f"{percent(now.nulls)} of {now.rows:,} rows have no value"
    if not earlier or now.rows < LEAST_ROWS:
        return Check("nulls", observed, "", "not judged", subject=name, value=now.nulls)
    shares = [each.nulls for each in earlier]
    low, high = min(shares), max(shares)
    high = max(high + _far(high, now.rows), _TIMES * high)
    low = min(low - _far(low, now.rows), low / _TIMES)
    return _between("nulls", name, observed, now.nulls, max(low, 0.0), min(high, 1.0), percent)


def _far(share: float, rows: int) -> float:
    # A sample without any null does not say that there is none.
    share = min(max(share, 1 / rows), 1 - 1 / rows)
    return max(_NULLS_MORE, _SIGMAS * sqrt(share * (1 - share) / rows))


def _unique(name: str, now: Profile, earlier: Sequence[Profile]) -> Check:
    if earlier and not any(each.repeats for each in earlier) and sum(each.rows for each in earlier) >= _UNIQUE_ROWS:
        return _as_unique(name, now, earlier)
    known = [each for each in earlier if each.variety is not None]
    alike = [each for each in known if _is_like(now.rows, each.rows)]
    of, times = (alike, _TIMES) if len(alike) >= ENOUGH else (known, _TIMES_OTHERS)
    seen = [each.variety for each in of if each.variety is not None]
    if now.variety is None or len(seen) < ENOUGH:
        observed = f"{percent(now.repeats)} of {now.rows:,} rows repeat a value"
        return Check("uniqueness", observed, "", "not judged", subject=name, value=now.variety)
    high = max(max(seen) + _VARIETY_MORE, times * max(seen))
    low = min(min(seen) - _VARIETY_MORE, min(seen) / times)
    observed = f"{now.variety:.1f} different values in a hundred"
    return _between("uniqueness", name, observed, now.variety, max(low, 0.0), high, "{:.1f}".format)


def _is_like(rows: int, others: int) -> bool:
    """Tell whether samples are of one size, or so large that it is the same: a hundred of the 120 lines of some orders
    have fewer orders than a hundred of a thousand.
    """
    return max(rows, others) <= _LIKE * min(rows, others) or min(rows, others) >= _LARGE


def _as_unique(name: str, now: Profile, earlier: Sequence[Profile]) -> Check:
    """Ask how many repeats there are among values of which there was none before, beyond what chance makes.

    Of two values that are drawn by chance, a share is equal that earlier pairs bound; a larger sample has more pairs.
    """
    by_chance = _SURE * _pairs(now.rows) / sum(_pairs(each.rows) for each in earlier)
    limit = max(_REPEATS_MORE, (by_chance + _SIGMAS * sqrt(by_chance)) / now.rows)
    met = now.repeats <= limit if limit < 1 else None
    return Check(
        "uniqueness", f"{percent(now.repeats)} of {now.rows:,} rows repeat a value",
        f"unique as before, at most {percent(min(limit, 1))}", result(met), subject=name, value=now.repeats, high=limit,
    )  # fmt: skip


def _pairs(rows: int) -> float:
    return rows * (rows - 1) / 2


def _between(
    check: str, name: str, observed: str, value: float, low: float, high: float, told: Callable[[float], str]
) -> Check:
    expected = f"as usual, {told(low)} to {told(high)}"
    return Check(check, observed, expected, result(low <= value <= high), subject=name, value=value, low=low, high=high)
