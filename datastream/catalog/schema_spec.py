"""What a stream file says of its columns: which are declared, and what happens to what is not expected.

The word `evolve`, `freeze` or `quarantine_row` stands for both `columns` and `types`.
"""

import unicodedata
from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema, field_validator, model_validator
from pydantic_core import CoreSchema

from datastream.catalog.model import Model
from datastream.catalog.types import JSON, JSON_INSIDE, SMALL, TIMESTAMP, WORDS, TypeUnknown, parse_type, text_of
from datastream.records import OWN_COLUMNS

Mode = Literal["evolve", "freeze", "quarantine_row"]
_MODES = ("evolve", "freeze", "quarantine_row")
MAX_COLUMNS = 1_000
MAX_NAME_BYTES = 255


def is_column_name(name: str) -> bool:
    """Tell whether a field's name may be a column's: not empty, not too long, without control characters."""
    return 0 < len(name.encode()) <= MAX_NAME_BYTES and not any(unicodedata.category(c) == "Cc" for c in name)


def _declared(value: Any) -> str:
    """Return the text of a declared type; a mapping of names to types is a struct."""
    if value == JSON:
        return JSON
    try:
        return text_of(_allowed(_type_of(value)))
    except TypeUnknown as error:
        raise ValueError(str(error).removesuffix(".")) from error


def _type_of(value: Any) -> pa.DataType:
    if isinstance(value, dict):
        if not value:
            raise TypeUnknown("A struct without fields holds no value; name its fields, or declare the column as json.")
        if JSON in value.values():
            raise TypeUnknown(JSON_INSIDE)
        return pa.struct([(str(name), _type_of(kind)) for name, kind in value.items()])
    if not isinstance(value, str) or value.strip() == SMALL:
        raise TypeUnknown(f"{value!r} is no type; choose one of {', '.join(WORDS)}.")
    return parse_type(value)


def _allowed(kind: pa.DataType) -> pa.DataType:
    """Return the type if values can be read as it from JSON without a guess."""
    plain = (pa.bool_(), pa.int64(), pa.float64(), pa.string(), pa.date32(), TIMESTAMP)
    if pa.types.is_struct(kind):
        for field in kind:
            _allowed(field.type)
    elif pa.types.is_list(kind):
        _allowed(kind.value_type)
    elif kind not in plain and not pa.types.is_decimal128(kind):
        raise TypeUnknown(f"{text_of(kind)} cannot be declared; choose one of {', '.join(WORDS)}.")
    return kind


Declared = Annotated[str, BeforeValidator(_declared), WithJsonSchema({"type": ["string", "object"]})]


def _is_bare(kind: pa.DataType) -> bool:
    types = pa.types
    return any(fits(kind) for fits in (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal))


class SchemaSpec(Model):
    """The columns of a stream. What is not declared is learned from the values."""

    columns: Mode = "evolve"
    """What happens to a field that is not known: a new column, the end of the run, or its row is set aside."""
    types: Mode = "evolve"
    """What happens to a value that does not fit: its column is widened if no value changes by that, else its row is set
    aside; the end of the run; or its row is set aside."""
    declared: dict[str, Declared] = Field(default={}, max_length=MAX_COLUMNS)
    """Column to type. It keeps its type, and is there from the first commit on."""

    @property
    def bare(self) -> frozenset[str]:
        """The declared columns whose values JSON writes without quotes: numbers, true and false."""
        return frozenset(name for name, kind in self.declared.items() if _is_bare(parse_type(kind)))

    @model_validator(mode="before")
    @classmethod
    def _a_word_stands_for_both(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in _MODES:
                raise ValueError(f"choose one of {', '.join(_MODES)}, or a mapping of columns, types and declared")
            return {"columns": value, "types": value}
        return value

    @field_validator("declared")
    @classmethod
    def _names_can_be_columns(cls, value: dict[str, str]) -> dict[str, str]:
        by_case: dict[str, str] = {}
        for name in value:
            if not is_column_name(name) or name.lower() in OWN_COLUMNS:
                raise ValueError(
                    f"{name[:80]!r} cannot be a column: it is empty, too long, unprintable or our own name"
                )
            if (other := by_case.setdefault(name.lower(), name)) != name:
                raise ValueError(f"{other!r} and {name!r} differ by case alone, which SQL does not tell apart")
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(_MODES), "type": "string"}, handler(core)]}
