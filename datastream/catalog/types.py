"""The types of columns as text and back. A stream file and the log keep them as text, and this is the one parser.

It reads a stream's own words (`decimal(12,2)`, `list<string>`, `struct<a: int64>`, `json`) and what Arrow writes of a
type (`timestamp[us, tz=UTC]`, `list<item: string>`, `decimal128(12, 2)`). What `text_of` writes reads as the same type.
"""

import re
from functools import lru_cache

import pyarrow as pa

from datastream.errors import Permanent

JSON = "json"
"""A column of JSON texts, each as it came. Arrow knows it as a string."""
SMALL = "int53"
"""An int64 column that may become a double: none of its numbers so far is beyond what a double holds exactly."""
TIMESTAMP = pa.timestamp("us", "UTC")
WORDS = ("bool", "int64", "double", "string", "date", "timestamp", "decimal(p,s)", JSON, "list<T>", "struct<a: T>")
"""What a stream file may say."""
JSON_INSIDE = "json stands for a whole column, not for a part of one; declare the column as json."

_OWN = {
    JSON: pa.string(), SMALL: pa.int64(), "date": pa.date32(), "timestamp": TIMESTAMP,
    "date32[day]": pa.date32(), "date64[ms]": pa.date64(), "bool": pa.bool_(), "double": pa.float64(),
}  # fmt: skip
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns), tz=([^\]]+)\]")
_DECIMAL = re.compile(r"decimal(32|64|128|256)?\((\d+), ?(-?\d+)\)")
_SIZED = re.compile(r"fixed_size_(binary|list<.*>)\[(\d+)\]", re.DOTALL)
_NESTED = re.compile(r"(large_list|list|struct|map)<(.*)>", re.DOTALL)
_SIMPLE = re.compile(r"[A-Za-z_][\w.-]*")
_NOT_NULL = " not null"
_DEEPEST = 32


class TypeUnknown(Permanent):
    """A text names no type."""


@lru_cache(maxsize=4096)
def parse_type(text: str) -> pa.DataType:
    """Return the Arrow type that `text` names. Raises TypeUnknown with the types there are."""
    return _parse(text.strip(), 0)


def text_of(kind: pa.DataType) -> str:
    """Return the text of an Arrow type: Arrow's own, but for names of fields that it could not be read back with."""
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'{_quoted(field.name)}: {text_of(field.type)}' for field in kind)}>"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"{'large_' if pa.types.is_large_list(kind) else ''}list<{text_of(kind.value_type)}>"
    if pa.types.is_map(kind):
        return f"map<{text_of(kind.key_type)}, {text_of(kind.item_type)}>"
    return str(kind)


def _parse(text: str, depth: int) -> pa.DataType:
    if depth > _DEEPEST:
        raise TypeUnknown(f"A type is nested more than {_DEEPEST} deep. Declare its column as {JSON}.")
    if text == JSON and depth:
        raise TypeUnknown(JSON_INSIDE)
    if text in _OWN:
        return _OWN[text]
    try:
        return _leaf(text) or _nested(text, depth) or pa.type_for_alias(text)
    except (ValueError, pa.ArrowException) as error:
        raise TypeUnknown(f"{text[:80]!r} is no type; choose one of {', '.join(WORDS)}.") from error


def _leaf(text: str) -> pa.DataType | None:
    if match := _TIMESTAMP.fullmatch(text):
        return pa.timestamp(match[1], match[2])
    if match := _DECIMAL.fullmatch(text):
        make = {"32": pa.decimal32, "64": pa.decimal64, "256": pa.decimal256}.get(match[1], pa.decimal128)
        return make(int(match[2]), int(match[3]))
    return None


def _nested(text: str, depth: int) -> pa.DataType | None:
    if match := _SIZED.fullmatch(text):
        size = int(match[2])
        return pa.binary(size) if match[1] == "binary" else pa.list_(_item(match[1][5:-1], depth), size)
    match = _NESTED.fullmatch(text)
    if match is None:
        return None
    word, inside = match[1], match[2]
    if word == "struct":
        return _struct(inside, depth)
    if word == "map":
        key, item = _split(inside)
        return pa.map_(_parse(key, depth + 1), _parse(item, depth + 1))
    item_type = _item(inside, depth)
    return pa.list_(item_type) if word == "list" else pa.large_list(item_type)


def _struct(inside: str, depth: int) -> pa.DataType:
    fields = [_named(part) for part in _split(inside)]
    names = [name for name, _ in fields]
    if len(set(names)) < len(names) or "" in names:
        raise ValueError(inside)
    return pa.struct([(name, _parse(kind, depth + 1)) for name, kind in fields])


def _item(inside: str, depth: int) -> pa.DataType:
    """Return the type of a list's items, which Arrow gives the name `item` or `element`."""
    for name in ("item: ", "element: "):
        inside = inside.removeprefix(name)
    return _parse(inside.removesuffix(_NOT_NULL).strip(), depth + 1)


def _named(part: str) -> tuple[str, str]:
    """Return the name and type of a field of a struct: `a: int64`, or `"a: b": int64`."""
    match = re.fullmatch(r'"((?:[^"\\]|\\.)*)" *: *(.+)|([^:]+?) *: *(.+)', part, re.DOTALL)
    if match is None:
        raise ValueError(part)
    name = match[3] if match[1] is None else re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL)
    return name, (match[2] or match[4]).removesuffix(_NOT_NULL).strip()


def _quoted(name: str) -> str:
    return name if _SIMPLE.fullmatch(name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _split(text: str) -> list[str]:
    """Return the parts between the commas that stand in no bracket and no quotes."""
    parts, depth, start = [], 0, 0
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[<(\[]|[>)\]]|,', text, re.DOTALL):
        mark = match[0]
        depth += (mark in "<([") - (mark in ">)]")
        if mark == "," and not depth:
            parts.append(text[start : match.start()].strip())
            start = match.end()
    return [*parts, text[start:].strip()] if text.strip() else parts
