"""The columns of a sample: what they show, what is said of it, and what is learned of them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Self

import msgspec
import pyarrow as pa

from datastream.catalog import Stream
from datastream.health.state import Memory
from datastream.quality.check import Check
from datastream.quality.columns import judged, summary
from datastream.quality.incidents import Incidents
from datastream.quality.profiles import Profile, kept, profiles

COLUMN_CHECKS = ("nulls", "uniqueness")


class Columns(msgspec.Struct, frozen=True, eq=False):
    """What a sample shows of each column that is looked at."""

    rows: pa.Table | None
    """The sample, which has the columns that refer to other streams too; None where nothing is new."""
    profiles: dict[str, Profile]
    checks: list[Check]

    @classmethod
    def of(cls, stream: Stream, rows: pa.Table | None, memory: Memory, now: datetime) -> Self:
        """Look at a sample."""
        wanted, found = stream.quality, dict[str, Profile]()
        if rows is not None:
            names = rows.column_names if wanted.profile is None else wanted.profile
            found = profiles(rows.select([name for name in rows.column_names if name in names]), now)
        said = judged(found, memory.profiles, wanted.volume.window, learned=wanted.learned)
        return cls(rows, found, list(said))

    def has(self, name: str, wanted: Sequence[str] | None) -> bool:
        """Tell whether a column is looked at; where no row is new, whether it is wanted."""
        return name in self.profiles if self.profiles else wanted is None or name in wanted

    def in_short(self, incidents: Incidents, *, looked_at: bool) -> Iterator[Check]:
        """Yield one line for all columns, or one for each that is odd or has an incident."""
        there = {incident.key for incident in incidents.open}
        for name in COLUMN_CHECKS:
            of = [check for check in self.checks if check.check == name]
            if not any(check.result == "not met" for check in of):
                yield summary(name, of, "no new row" if looked_at else "no column is looked at")
            yield from (check for check in of if check.result == "not met" or check.key in there)

    def teach(self, memory: Memory, span: timedelta) -> None:
        """Keep the profiles of columns that are as usual."""
        odd = {check.subject for check in self.checks if check.result == "not met"}
        for name, profile in self.profiles.items():
            if name not in odd:
                memory.profiles[name] = kept(memory.profiles.get(name, []), profile, span)
        if self.profiles:
            memory.profiles = {name: known for name, known in memory.profiles.items() if name in self.profiles}
