"""Reads a file of records to be checked: JSON lines, CSV or Parquet, told apart by the name's ending."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datastream.quality.errors import DataRefused, one_line

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_data(file: Path) -> "pd.DataFrame | pa.Table":
    """Return the records of a file, one row each, in the file's order. Raises DataRefused."""
    readers = {".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _json_lines, ".csv": _csv, ".parquet": _parquet}
    read = readers.get(file.suffix.lower())
    if read is None:
        raise DataRefused(f"{file} ends in {file.suffix!r}; a file to check ends in one of {', '.join(readers)}.")
    try:
        return read(file)
    except FileNotFoundError as error:
        raise DataRefused(f"{file} does not exist. Give the path of a file, from the folder you are in.") from error
    except OSError as error:
        raise DataRefused(
            f"{file} cannot be read: {error.strerror or error}. Check the path and its permissions."
        ) from error


def _json_lines(file: Path) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(_objects(file))


def _objects(file: Path) -> list[dict[str, Any]]:
    import msgspec

    rows = []
    for number, line in enumerate(file.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            rows.append(msgspec.json.decode(line, type=dict[str, Any]))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DataRefused(
                f"{file}, line {number} is not a JSON object: {error}. Mend or remove that line."
            ) from error
    return rows


def _csv(file: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # Else a line with a value too many shifts all columns, and a type may change within a column.
            return pd.read_csv(file, index_col=False, low_memory=False)
    except (ValueError, pd.errors.ParserWarning) as error:
        raise DataRefused(f"{file} is not CSV: {one_line(str(error))} Mend it, or convert it to JSON lines.") from error


def _parquet(file: Path) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(file)
    except pa.ArrowInvalid as error:
        raise DataRefused(f"{file} is not Parquet that can be read: {one_line(str(error))}") from error
