"""The transform of the stream `flights`."""

import pyarrow as pa
import pyarrow.compute as pc


def clean(table: pa.Table) -> pa.Table:
    """Make `time_hour` a time in UTC, so that the lake can be partitioned and asked by it.

    A row without one is left out, which sets it aside with the rule `transform`; so are all where none is a text.
    """
    position = table.schema.get_field_index("time_hour")
    if position < 0 or not pa.types.is_string(table.schema.field(position).type):
        return table.slice(0, 0)
    hours = pc.strptime(table["time_hour"], format="%Y-%m-%dT%H:%M:%SZ", unit="us", error_is_null=True)
    timed = table.set_column(position, "time_hour", hours.cast(pa.timestamp("us", "UTC")))
    return timed.filter(pc.is_valid(hours)) if hours.null_count else timed
