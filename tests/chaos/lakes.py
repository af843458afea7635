"""What lies on a lake, read by a stranger: every Parquet file there is, whatever the log says."""

import io
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq

from datastream.lake.plan import Plan, decode_plan
from datastream.lake.store import Store
from datastream.records import RAW
from tests.chaos.deploys import STREAM
from tests.chaos.records import numbers

DATA, QUARANTINE = f"{STREAM}/data/", f"_quarantine/{STREAM}/"


def parquet_files(store: Store) -> list[str]:
    """Return the keys of all Parquet files of data and quarantine."""
    return sorted(key for folder in (DATA, QUARANTINE) for key in store.keys(folder) if key.endswith(".parquet"))


def open_plans(store: Store) -> list[str]:
    """Return the keys of the plans that are there, wherever this version keeps them."""
    return [key for folder in ("_log/", "_plans/") for key in store.keys(folder) if key.endswith(".plan")]


def loaded(data: bytes) -> list[dict[str, Any]]:
    """Return the rows of a data file."""
    return list(pq.read_table(io.BytesIO(data), use_threads=False).to_pylist())


def set_aside(data: bytes) -> list[int]:
    """Return the numbers of the records in a file of the quarantine."""
    return numbers(pq.read_table(io.BytesIO(data), columns=[RAW], use_threads=False)[RAW].to_pylist())


def decided(store: Store) -> set[int]:
    """Return the numbers of all records that are decided: in a plan, or in a file."""
    found = {number for plan in _plans(store) for number in _planned(plan)}
    for key in parquet_files(store):
        data = store.read(key)
        if data is not None:
            found.update(set_aside(data) if key.startswith(QUARANTINE) else (row["id"] for row in loaded(data)))
    return found


def _plans(store: Store) -> Iterator[Plan]:
    for key in open_plans(store):
        data = store.read(key)
        if data is not None:
            yield decode_plan(key, data)


def _planned(plan: Plan) -> list[int]:
    aside = plan.set_aside
    data = plan.data if aside is None else plan.data[:-1]
    ids = [row["id"] for file in data for row in loaded(file)]
    return ids if aside is None else [*ids, *numbers(aside[RAW].to_pylist())]
