"""What a benchmark says: a line a round, the medians, and one last line of JSON. All of it is pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

MEBIBYTE = 1024 * 1024
HEADER = f"{'':9} {'who':12} {'records/s':>10} {'seconds':>8} {'returned':>9} {'peak MB':>8} {'from launch':>12}"


@dataclass(frozen=True, slots=True)
class Round:
    """One run of one candidate.

    `took` is the job alone, until it is done; `returned` until its call returned as well, which may be later; `whole`
    is that and everything before it, from the launch of the process.
    """

    records: int
    took: timedelta
    returned: timedelta
    whole: timedelta
    peak_bytes: int

    @property
    def rate(self) -> float:
        """Return records a second of the job alone."""
        return self.records / self.took.total_seconds()


def line(label: str, who: str, measured: Round) -> str:
    """Return one row below HEADER."""
    return (
        f"{label:9} {who:12} {measured.rate:10,.0f} {measured.took.total_seconds():8.2f} "
        f"{measured.returned.total_seconds():9.2f} {measured.peak_bytes / MEBIBYTE:8,.0f} "
        f"{measured.whole.total_seconds():12.2f}"
    )


def middle(rounds: Sequence[Round]) -> Round:
    """Return the median of each figure. All rounds must have read the same records, so that rate and time agree."""
    records = {each.records for each in rounds}
    if len(records) != 1:
        raise ValueError(f"These rounds read different numbers of records, {sorted(records)}: they have no median.")
    return Round(
        records.pop(),
        median(each.took for each in rounds),
        median(each.returned for each in rounds),
        median(each.whole for each in rounds),
        int(median(each.peak_bytes for each in rounds)),
    )


def goal(what: str, *, reached: bool) -> str:
    """Return a line that says whether a goal was reached."""
    return f"{'reached' if reached else 'MISSED'}: {what}"


def last_line(name: str, unit: str, ours: float, peer: float, **more: float) -> str:
    """Return the line for machines; `ratio` says how many times the peer's figure ours is."""
    figures = {"ours": round(ours, 1), "peer": round(peer, 1), "ratio": round(ours / peer, 2)}
    return json.dumps({"name": name, "unit": unit, **figures, **{key: round(value, 2) for key, value in more.items()}})
