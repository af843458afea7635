"""Transforms that tests name."""

import os
import signal
import time

import pyarrow as pa
import pyarrow.compute as pc

POISON = 66
_begun: list[bool] = []


def timed(table: pa.Table) -> pa.Table:
    at = pc.strptime(table["at"], format="%Y-%m-%dT%H:%M:%SZ", unit="us", error_is_null=True)
    return table.set_column(table.schema.get_field_index("at"), "at", at.cast(pa.timestamp("us", "UTC")))


def zoneless(table: pa.Table) -> pa.Table:
    at = pc.strptime(table["at"], format="%Y-%m-%dT%H:%M:%SZ", unit="us", error_is_null=True)
    return table.set_column(table.schema.get_field_index("at"), "at", at)


def without_even_ids(table: pa.Table) -> pa.Table:
    return timed(table.filter(pa.array([number % 2 == 1 for number in table["id"].to_pylist()])))


def reversed_rows(table: pa.Table) -> pa.Table:
    return timed(table.take(list(range(table.num_rows))[::-1]))


def raising(_: pa.Table) -> pa.Table:
    raise ValueError("no such column: price")


def forgetful(table: pa.Table) -> pa.Table:
    return table.drop_columns(["_record_id"])


def inventive(table: pa.Table) -> pa.Table:
    return pa.concat_tables([timed(table), timed(table)])


def with_an_interval(table: pa.Table) -> pa.Table:
    return timed(table).append_column("i", pa.array([pa.MonthDayNano([1, 2, 3])] * table.num_rows))


def with_our_name(table: pa.Table) -> pa.Table:
    return timed(table).append_column("_commit", table["id"])


def with_amount_as_text(table: pa.Table) -> pa.Table:
    return timed(table).set_column(table.schema.get_field_index("amount"), "amount", table["amount"].cast(pa.string()))


def with_small_amounts(table: pa.Table) -> pa.Table:
    return timed(table).set_column(table.schema.get_field_index("amount"), "amount", table["amount"].cast(pa.int32()))


def through_pandas(table: pa.Table) -> pa.Table:
    return pa.Table.from_pandas(timed(table).to_pandas())


def with_endless_seconds(table: pa.Table) -> pa.Table:
    return timed(table).append_column("s", pa.array([2**62] * table.num_rows, pa.timestamp("s")))


def with_bytes_for_text(table: pa.Table) -> pa.Table:
    return timed(table).append_column("t", pa.array([b"\xff"] * table.num_rows, pa.binary()).view(pa.string()))


def allergic(table: pa.Table) -> pa.Table:
    if POISON in table["id"].to_pylist():
        raise ValueError(f"it cannot stand {POISON}")
    return timed(table)


def fatal(table: pa.Table) -> pa.Table:
    """A record kills the process that looks at it, as a fault in a library would."""
    if POISON in table["id"].to_pylist():
        os.kill(os.getpid(), signal.SIGSEGV)
    return timed(table)


def leaving(table: pa.Table) -> pa.Table:
    if POISON in table["id"].to_pylist():
        os._exit(0)
    return timed(table)


def fatal_with_polars(table: pa.Table) -> pa.Table:
    """A library with threads of its own, which a process that is forked from it lacks."""
    import polars as pl

    pl.from_arrow(table.select(["id"])).group_by(pl.col("id") % 5).agg(pl.len())
    return fatal(table)


def slow_to_begin(table: pa.Table) -> pa.Table:
    """What is fetched at first use takes longer than a row may; and a record kills."""
    if not _begun:
        _begun.append(True)
        time.sleep(0.5)
    return fatal(table)


def endless(table: pa.Table) -> pa.Table:
    """A record is never done with, as with a regular expression that backtracks for ever."""
    while POISON in table["id"].to_pylist():
        pass
    return timed(table)


def fatal_to_all(table: pa.Table) -> pa.Table:
    os.kill(os.getpid(), signal.SIGSEGV)
    return table


def slow(table: pa.Table) -> pa.Table:
    time.sleep(table.num_rows * 0.004)
    return timed(table)


def that_tells_a_value(table: pa.Table) -> pa.Table:
    raise ValueError(f"what is {table['email'][0]}?")
