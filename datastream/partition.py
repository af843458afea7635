"""Which folder each row lands in: that of the record's own time, in UTC, never of the time of loading.

A claim opens a bounded number of folders, and a stream may say that what comes too late for its folder is set aside.
"""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datastream.catalog import PartitionBy
from datastream.errors import Permanent

NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
LATE, TOO_MANY = "late", "partitions"
"""The rules by which a row is set aside that lands nowhere."""
_GRAINS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}
_TIME = pa.timestamp("us", "UTC")
_EARLIEST = datetime(1900, 1, 1)  # noqa: DTZ001 - in UTC, as all times here are
"""Some write year 1 for no time at all, and nothing can be subtracted from that."""


class PartitionImpossible(Permanent):
    """The stream is to be partitioned by something that is no time."""


class Folders:
    """The folders of the good rows of a table. A stream without partitions has one, which has no name."""

    def __init__(self, by: PartitionBy, times: pa.Array, rows: np.ndarray) -> None:
        self._by, self._times = by, times
        floors = pc.floor_temporal(times, unit=by.grain).dictionary_encode()
        self._floors = floors.dictionary
        self._codes = pc.fill_null(floors.indices, len(self._floors)).to_numpy(zero_copy_only=False)
        self._rows = rows

    @property
    def _names(self) -> list[str]:
        values = pc.strftime(self._floors, _GRAINS[self._by.grain]).to_pylist()
        return [f"{self._by.folder}={value}" for value in (*values, NO_PARTITION)]

    def unplaced(self, watermark: datetime | None) -> Mapping[int, str]:
        """Return the rows that land nowhere, each with the rule: they are late, or would open too many folders.

        The folders with the most rows are opened. `watermark` is what the lane knew before these rows came.
        """
        late = self._rows[np.isin(self._codes[self._rows], self._ended(watermark))]
        placed = np.setdiff1d(self._rows, late)
        codes, counts = np.unique(self._codes[placed], return_counts=True)
        closed = codes[np.argsort(-counts, kind="stable")][self._by.most :]
        beyond = placed[np.isin(self._codes[placed], closed)]
        return dict.fromkeys(late.tolist(), LATE) | dict.fromkeys(beyond.tolist(), TOO_MANY)

    def grouped(self, rows: np.ndarray) -> tuple[np.ndarray, list[tuple[str, int]]]:
        """Return rows in the order of their folders, and each folder with how many it gets."""
        names = self._names
        codes = self._codes[rows]
        counts = np.bincount(codes, minlength=len(names))
        order = rows[np.argsort(codes, kind="stable")]
        return order, [(name, int(count)) for name, count in zip(names, counts, strict=True) if count]

    def watermark(self, rows: np.ndarray, before: datetime | None, now: datetime) -> datetime | None:
        """Return the greatest time of the lane once `rows` are loaded, but none that is still to come."""
        earliest, latest = (pa.scalar(time, pa.timestamp("us")) for time in (_EARLIEST, now.replace(tzinfo=None)))
        times = pc.min_element_wise(self._times.take(pa.array(rows, pa.int64())), latest, skip_nulls=False)
        greatest = pc.max(pc.max_element_wise(times, earliest, skip_nulls=False)).cast(_TIME).as_py()
        return max((time for time in (greatest, before) if time is not None), default=None)

    def _ended(self, watermark: datetime | None) -> np.ndarray:
        """Return the codes of folders that had ended, and their lateness too, by the lane's watermark."""
        if self._by.late != "quarantine" or watermark is None:
            return np.array([], dtype=np.int64)
        closed = pa.scalar((watermark - self._by.lateness).replace(tzinfo=None), pa.timestamp("us"))
        last = pc.floor_temporal(closed, unit=self._by.grain)
        return np.flatnonzero(pc.less(self._floors, last).to_numpy(zero_copy_only=False))


class OneFolder(Folders):
    """That of a stream without partitions."""

    def __init__(self) -> None:
        pass

    def unplaced(self, watermark: datetime | None) -> Mapping[int, str]:  # noqa: ARG002 - the other's
        return {}

    def grouped(self, rows: np.ndarray) -> tuple[np.ndarray, list[tuple[str, int]]]:
        return rows, [("", len(rows))]

    def watermark(self, rows: np.ndarray, before: datetime | None, now: datetime) -> datetime | None:  # noqa: ARG002
        return before


def folders_of(by: PartitionBy | None, table: pa.Table, rows: np.ndarray) -> Folders:
    """Return the folders that the good rows of a table land in. Raises PartitionImpossible."""
    return OneFolder() if by is None or not len(rows) else Folders(by, _times(by, table), rows)


def _times(by: PartitionBy, table: pa.Table) -> pa.Array:
    folder = by.folder
    if by.field not in table.column_names or folder in table.column_names:
        wrong = f"has no column {by.field!r}" if by.field not in table.column_names else f"has a column {folder!r}"
        raise PartitionImpossible(
            f"The stream is partitioned by {by.field!r} into folders {folder}=..., and its table {wrong}: there are "
            f"{', '.join(table.column_names)}. Correct partition_by, or rename the column in the stream's transform."
        )
    column = table[by.field].combine_chunks()
    if pa.types.is_null(column.type):
        column = column.cast(_TIME)
    if not pa.types.is_timestamp(column.type) and not pa.types.is_date(column.type):
        raise PartitionImpossible(
            f"The stream is partitioned by {by.field!r}, which is {column.type} and no time. Make it a timestamp in "
            "the stream's transform, or correct partition_by."
        )
    # Without the zone the value is the same instant in UTC, and no time zone database is asked for.
    return column.cast(pa.timestamp("us"), safe=False)
