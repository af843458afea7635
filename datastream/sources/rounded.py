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
_number = re.compile(rb"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?").match
_IS_DIGIT = np.isin(np.arange(256), np.frombuffer(b"0123456789.", np.uint8))
_IN_EXPONENT = np.isin(np.arange(256), np.frombuffer(b"0123456789+-", np.uint8))
_LOWER = 0x20
_BEFORE_NUMBER = np.isin(np.arange(256), np.frombuffer(b":,[ \t\r\n-", np.uint8))


def is_rounded(records: Sequence[msgspec.Raw], text: bytes, table: pa.Table) -> bool:
    """Tell whether a number of `table` may not be the one in its record. `text` is the records, a line each."""
    doubles = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    decimals = [field.name for field in table.schema if pa.types.is_decimal(field.type)]
    doubtful: set[int] = set()
    sizes = [pc.abs(table[name]) for name in doubles]
    if doubles:
        doubtful |= _rows(records, _long_numbers(text))
    if decimals or any(pc.any(pc.less(size, _SMALLEST)).as_py() for size in sizes):
        doubtful |= _rows(records, _exponents(text))  # what is too small for its column has become 0
    for size in sizes:
        doubtful |= _where(pc.invert(pc.less(size, EXACT)))  # NaN is not less either
    return any(_differs(records[row], doubles, decimals) for row in doubtful)


def _where(mask: pa.ChunkedArray) -> set[int]:
    return set(pc.indices_nonzero(mask.combine_chunks()).to_pylist())


def _differs(record: msgspec.Raw, doubles: Sequence[str], decimals: Sequence[str]) -> bool:
    values = texts(record)
    numbers = (bytes(values[name]).decode() for name in doubles if name in values)
    if any(number != "null" and not (number[-1].isdigit() and is_exact(number)) for number in numbers):
        return True
    return any(b"e" in bytes(values[name]).lower() for name in decimals if name in values)


def _rows(records: Sequence[msgspec.Raw], offsets: np.ndarray) -> set[int]:
    """Return the records in which these places of the text lie."""
    if not len(offsets):
        return set()
    ends = np.cumsum(np.fromiter(map(len, records), np.int64, len(records)) + 1)
    return set(np.unique(np.searchsorted(ends, offsets, side="right")).tolist())


def _exponents(text: bytes) -> np.ndarray:
    """Return where a number, or what looks like one, has an exponent."""
    data = np.frombuffer(text, np.uint8)
    at = np.flatnonzero((data[1:-1] | _LOWER) == ord("e")) + 1
    return at[_IS_DIGIT[data[at - 1]] & _IN_EXPONENT[data[at + 1]]]


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
