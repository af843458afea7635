"""Says in SQL which rows of a quarantine are taken, and what is mended in them before they are asked about again.

The expressions see a row as `{stream}_quarantine` has it, and nothing else: no file, no network, no other table.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from datastream.errors import Permanent
from datastream.masking import Mask
from datastream.records import RAW

if TYPE_CHECKING:
    import duckdb

_ROW = "_row of the quarantine"
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
_SANDBOX: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "memory_limit": "1GB",
    "temp_directory": "",  # else what is too much for memory is written beside whoever runs this
}


class SelectionWrong(Permanent):
    """What is asked for cannot be asked of these rows."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are taken, and what is mended."""

    where: str | None = None
    """A condition; None takes all."""
    mended: Mapping[str, str] = {}
    """Field of the record, as it was received, to the expression that gives its new value."""
    commit: str | None = None
    """The held claim whose rows are taken; None takes all but those of held ones."""

    @property
    def offsets(self) -> dict[str, Any]:
        """What the commit keeps of it: with it, and the record ids, an old row is traced to the new one."""
        asked = {"where": self.where, "set": dict(self.mended)}
        return {name: value for name, value in asked.items() if value}


def refuse_unknown_fields(wanted: Wanted, known: Sequence[str]) -> None:
    """Do nothing where all fields that are mended are known. Raises SelectionWrong."""
    for name in wanted.mended:
        if name not in known:
            raise SelectionWrong(
                f"{name!r} is to be set, and no record that was received has such a field. There are: "
                f"{', '.join(known) or 'none yet'}. What is set is the record as it came, before the transform."
            )


def sandbox() -> "duckdb.DuckDBPyConnection":
    """Return what is asked of row after row: to open one costs ten times as much as to ask it."""
    import duckdb

    connection = duckdb.connect(config=_SANDBOX)
    connection.execute("set timezone = 'UTC'")
    connection.execute("set lock_configuration = true")
    return connection


def selected(connection: "duckdb.DuckDBPyConnection", rows: pa.Table, wanted: Wanted, mask: Mask) -> pa.Table:
    """Return the rows that are taken, each with its record as it is to be asked about. Raises SelectionWrong.

    With a `mask` what goes wrong at a row is told by its kind alone: the text may show a value.
    """
    if wanted.where is None and not wanted.mended:
        return rows
    numbers, new = _asked(connection, rows, wanted, mask)
    # Whatever is asked, rows come from the quarantine, each once: of the answer only their numbers count.
    if len(set(numbers)) < len(numbers) or not set(numbers) <= set(range(rows.num_rows)):
        raise _wrong("it gives other rows than there are", rows)
    found = rows.take(pa.array(numbers, pa.int64()))
    texts = found[RAW].to_pylist()
    for field, values in zip(wanted.mended, new, strict=True):
        texts = [_with(text, field, value) for text, value in zip(texts, values, strict=True)]
    return found.set_column(rows.schema.get_field_index(RAW), RAW, pa.array(texts, pa.string()))


def _asked(
    connection: "duckdb.DuckDBPyConnection", rows: pa.Table, wanted: Wanted, mask: Mask
) -> tuple[list[Any], list[list[Any]]]:
    """Return the numbers of the rows that are taken, in order, and the new values, a list for each field."""
    import duckdb

    values = [f'({expression}\n) as "_set {at}"' for at, expression in enumerate(wanted.mended.values())]
    condition = f" where ({wanted.where}\n)" if wanted.where is not None else ""
    connection.register("quarantine", rows.append_column(_ROW, pa.array(range(rows.num_rows), pa.int64())))
    try:
        names = ", ".join([f'"{_ROW}"', *values])
        [asked] = connection.extract_statements(f"select {names} from quarantine{condition}")
        found = connection.sql(asked).to_arrow_table()
    except ValueError as error:
        raise _wrong("it is more than one expression", rows) from error
    except (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException) as error:
        raise _wrong(str(error), rows) from error
    except duckdb.OutOfMemoryException as error:
        raise _wrong(f"it takes more than {_SANDBOX['memory_limit']} of memory", rows) from error
    except duckdb.Error as error:
        kind = type(error).__name__
        said = f"{kind}, whose text is not shown because the stream has personal data" if mask else str(error)
        raise _wrong(said, rows) from (None if mask else error)
    found = found.take(pc.sort_indices(found[_ROW]))
    return found[_ROW].to_pylist(), [found[f"_set {at}"].to_pylist() for at in range(len(values))]


def _with(text: str, field: str, value: Any) -> str:
    """Return a record with a field set. What is no object has no fields, and stays as it is."""
    try:
        record = _OBJECT.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    record[field] = msgspec.Raw(_json(value))
    return msgspec.json.encode(record).decode()


def _json(value: Any) -> bytes:
    """Return a value as JSON; a number that JSON has no word for is written as what is told of it later."""
    return json.dumps(value).encode() if isinstance(value, float) else _ENCODER.encode(value)


def _wrong(error: str, rows: pa.Table) -> SelectionWrong:
    said = " ".join(error.partition("\nLINE")[0].split())
    return SelectionWrong(
        f"The rows cannot be chosen or mended as asked: {said}. The columns are {', '.join(rows.column_names)}; the "
        "fields of a record as it was received are in _raw, for example try(_raw->>'$.amount'): one that is no JSON "
        "has none."
    )
