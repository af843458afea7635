"""The peer: dlt, from its `rest_api` source to its `filesystem` destination, Parquet on local disk.

As with ours, imports come before the clock, those too that dlt puts off until it runs. What counts is `pipeline.run`:
extract, normalize, load. Rows are counted in its Parquet files afterwards. It validates nothing and keeps no log.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.api_to_lake.task import STREAM
from benchmarks.child import CandidateFailed, Stopwatch, asked

# Chosen among those that were tried, see the package's docstring.
SETTINGS: Mapping[str, str] = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
}

# What dlt puts off until the middle of a run.
PUT_OFF = (
    "dlt.common.configuration.plugins",
    "dlt.common.libs.pyarrow",
    "dlt.destinations.impl.filesystem.filesystem",
    "dlt.sources.helpers.requests",
    "dlt.sources.rest_api",
    "dlt._workspace._plugins",
    "fsspec.implementations.local",
    "pandas",
    "pyarrow.parquet",
)


def main() -> None:
    """Do the task, measure it, count what arrived, report."""
    task = asked()
    watch = Stopwatch(task)
    for module in ("dlt", *PUT_OFF):
        import_module(module)
    watch.start()
    _load(task)
    watch.stop()
    watch.report(_arrived(task))


def _load(task: Mapping[str, Any]) -> None:
    import dlt
    from dlt.destinations import filesystem
    from dlt.sources.rest_api import rest_api_source

    pages = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": "total_pages"}
    endpoint = {"path": STREAM, "params": {"since": task["since"]}, "data_selector": "data"}
    source = rest_api_source(
        {
            "client": {"base_url": task["api"], "paginator": pages},
            "resources": [{"name": STREAM, "endpoint": endpoint}],
        }
    )
    pipeline = dlt.pipeline(
        "api_to_lake",
        destination=filesystem(bucket_url=task["lake_uri"]),
        dataset_name="lake",
        pipelines_dir=str(Path(task["folder"]) / "pipelines"),
    )
    pipeline.run(source, loader_file_format="parquet")


def _arrived(task: Mapping[str, Any]) -> int:
    """Return the rows in its files. Raises CandidateFailed unless they are all of them."""
    import pyarrow.parquet as pq

    files = Path(task["folder"]).rglob(f"lake/{STREAM}/*.parquet")
    rows: int = sum(pq.read_metadata(file).num_rows for file in files)
    if rows != task["rows"]:
        raise CandidateFailed(f"dlt's files hold {rows:,} rows and not {task['rows']:,}.")
    return rows


if __name__ == "__main__":
    main()
