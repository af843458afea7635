"""Transforms that are deployed in turn: the same rows, in another order, or without some of them."""

import pyarrow as pa
import pyarrow.compute as pc


def timed(table: pa.Table) -> pa.Table:
    at = pc.strptime(table["at"], format="%Y-%m-%dT%H:%M:%SZ", unit="us", error_is_null=True)
    return table.set_column(table.schema.get_field_index("at"), "at", at.cast(pa.timestamp("us", "UTC")))


def turned(table: pa.Table) -> pa.Table:
    return timed(table.take(pa.array(range(table.num_rows - 1, -1, -1), pa.int64())))


def picky(table: pa.Table) -> pa.Table:
    return timed(table.filter(pa.array([number % 13 != 0 for number in table["id"].to_pylist()], pa.bool_())))
