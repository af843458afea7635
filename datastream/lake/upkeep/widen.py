"""The columns that hold the values of two files, each as it was. Where a value could change, there are none."""

import pyarrow as pa

_SMALL_BITS = 32
"""A double holds every whole number of so many bits, and not of more."""


def widened(one: pa.Schema, other: pa.Schema) -> pa.Schema | None:
    """Return the columns of both, or None if a column of both has types that nothing holds without loss."""
    fields = {field.name: field for field in one}
    if len(fields) < len(one) or len(set(other.names)) < len(other):
        return None
    for field in other:
        known = fields.get(field.name)
        kind = _wider(known.type, field.type) if known is not None else field.type
        if kind is None:
            return None
        fields[field.name] = pa.field(field.name, kind)
    return pa.schema(list(fields.values()))


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    if one == other:
        return one
    for narrow, wide in ((one, other), (other, one)):
        if pa.types.is_null(narrow) or _fits(narrow, wide):
            return wide
    if pa.types.is_struct(one) and pa.types.is_struct(other):
        return _wider_struct(one, other)
    if pa.types.is_list(one) and pa.types.is_list(other):
        inner = _wider(one.value_type, other.value_type)
        return None if inner is None else pa.list_(inner)
    return None


def _fits(narrow: pa.DataType, wide: pa.DataType) -> bool:
    if pa.types.is_integer(narrow):
        signed = pa.types.is_signed_integer
        if pa.types.is_integer(wide):
            return bool(narrow.bit_width < wide.bit_width and (signed(wide) or not signed(narrow)))
        return bool(pa.types.is_float64(wide) and narrow.bit_width <= _SMALL_BITS)
    if pa.types.is_string(narrow):
        return bool(pa.types.is_large_string(wide))
    return bool(pa.types.is_float32(narrow) and pa.types.is_float64(wide))


def _wider_struct(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    both = widened(pa.schema(list(one)), pa.schema(list(other)))
    return None if both is None else pa.struct(list(both))
