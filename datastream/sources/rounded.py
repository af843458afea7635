"""Finds out, after Arrow has parsed a claim in one go, whether it rounded a number. It does so without a word.

Only records that look as if are read a second time, digit by digit: those with a run of many digits, with a very large
or small number, or with one that is none.
"""

import re
from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datastream.sources.decode import is_exact, texts
from datastream.sources.fit import EXACT

_DIGITS = 16
"""A number of fewer digits comes back from a double as it went in."""
_GRID = 8
"""A run of so many digits covers two neighbours of every eighth byte."""
_SMALLEST = 2.3e-308
_tiny = [re.compile(mark + rb"-\d{3}").finditer for mark in (b"e", b"E")]
_number = re.compile(rb"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?").match
_IS_DIGIT = np.isin(np.arange(256), np.frombuffer(b"0123456789.", np.uint8))
_BEFORE_NUMBER = np.isin(np.arange(256), np.frombuffer(b":,[ \t\r\n-", np.uint8))


def is_rounded(records: Sequence[msgspec.Raw], text: bytes, table: pa.Table) -> bool:
    """Tell whether a double of `table` is not the number in its record. `text` is the records, a line each."""
    columns = {field.name: table[field.name] for field in table.schema if pa.types.is_floating(field.type)}
    if not columns:
        return False
    doubtful = set(_rows(records, _long_numbers(text)))
    for column in columns.values():
        size = pc.abs(column)
        doubtful |= _where(pc.invert(pc.less(size, EXACT)))  # NaN is not less either
        if pc.any(pc.less(size, _SMALLEST)).as_py():
            doubtful |= set(_rows(records, np.array([found.start() for find in _tiny for found in find(text)], int)))
    return any(_differs(records[row], columns) for row in doubtful)


def _where(mask: pa.ChunkedArray) -> set[int]:
    return set(pc.indices_nonzero(mask.combine_chunks()).to_pylist())


def _differs(record: msgspec.Raw, names: "dict[str, pa.ChunkedArray]") -> bool:
    values = texts(record)
    numbers = (bytes(values[name]).decode() for name in names if name in values)
    return any(number != "null" and not (number[-1].isdigit() and is_exact(number)) for number in numbers)


def _rows(records: Sequence[msgspec.Raw], offsets: np.ndarray) -> list[int]:
    """Return the records in which these places of the text lie."""
    if not len(offsets):
        return []
    ends = np.cumsum(np.fromiter(map(len, records), np.int64, len(records)) + 1)
    found: list[int] = np.unique(np.searchsorted(ends, offsets, side="right")).tolist()
    return found


def _long_numbers(text: bytes) -> np.ndarray:
    """Return where numbers begin that a double does not keep, be they a double's or not."""
    data = np.frombuffer(text, np.uint8)
    grid = _IS_DIGIT[data[::_GRID]]
    at = np.flatnonzero(grid[:-1] & grid[1:]) * _GRID
    for step in range(1, _GRID):
        at = at[_IS_DIGIT[data[at + step]]]
    start, end = _reach(data, at, -1), _reach(data, at + _GRID, 1)
    # The first place found in a run is near its beginning; what begins as no number does stands within a text.
    begins = _BEFORE_NUMBER[data[np.maximum(start - 1, 0)]] & (end - start + 1 >= _DIGITS)
    return np.array([one for one in np.unique(start[begins]).tolist() if not is_exact(_token(text, one))], int)


def _token(text: bytes, start: int) -> str:
    found = _number(text, start)
    return found[0].decode() if found else "0"


def _reach(data: np.ndarray, at: np.ndarray, way: int) -> np.ndarray:
    """Return how far the digits go from `at`, at most so many as matter."""
    reach, going = at.copy(), np.ones(len(at), bool)
    for _ in range(_DIGITS):
        further = np.clip(reach + way, 0, len(data) - 1)
        going &= _IS_DIGIT[data[further]] & (further != reach)
        reach = np.where(going, further, reach)
    return reach
