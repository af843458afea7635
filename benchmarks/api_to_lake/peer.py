"""The peer: dlt, from its `rest_api` source to its `filesystem` destination, Parquet on local disk.

As ours, it imports before the clock, and has run the same pipeline once, on the twelve flights of the last hour, into
another lake. What counts is `pipeline.run`: extract, normalize, load. Rows are counted in its Parquet files afterwards.
It is not asked to validate.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from benchmarks.api_to_lake.task import STREAM
from benchmarks.child import CandidateFailed, Stopwatch, asked

# Chosen among those that were tried: see the package's docstring.
SETTINGS: Mapping[str, str] = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DATA_WRITER__DISABLE_COMPRESSION": "true",
}
_LAST_HOUR = "2014-01-01T03:00:00Z"


def settings() -> dict[str, str]:
    """Return what the peer runs with; a variable that the caller's environment sets is kept."""
    return {name: os.environ.get(name, value) for name, value in SETTINGS.items()}


def main() -> None:
    """Do the task, measure it, count what arrived, report."""
    task = asked()
    watch = Stopwatch(task)
    folder = Path(task["folder"])
    _load(task["api"], _LAST_HOUR, folder / "warm-up")
    watch.start()
    _load(task["api"], task["since"], folder / "measured")
    watch.done()
    watch.returned()
    watch.report(_arrived(folder / "measured", task["rows"]))


def _load(api: str, since: str, folder: Path) -> None:
    import dlt
    from dlt.destinations import filesystem
    from dlt.sources.rest_api import rest_api_source

    pages = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": "total_pages"}
    endpoint = {"path": STREAM, "params": {"since": since}, "data_selector": "data"}
    client = {"base_url": api, "paginator": pages}
    pipeline = dlt.pipeline(
        folder.name,
        destination=filesystem(bucket_url=(folder / "lake").as_uri()),
        dataset_name="flown",
        pipelines_dir=str(folder / "pipelines"),
    )
    source = rest_api_source({"client": client, "resources": [{"name": STREAM, "endpoint": endpoint}]})
    pipeline.run(source, loader_file_format="parquet")


def _arrived(folder: Path, wanted: int) -> int:
    """Return the rows in its files. Raises CandidateFailed unless they are all of them."""
    import pyarrow.parquet as pq

    files = (folder / "lake").rglob(f"{STREAM}/*.parquet")
    rows: int = sum(pq.read_metadata(file).num_rows for file in files)
    if rows != wanted:
        raise CandidateFailed(f"dlt's files hold {rows:,} rows and not {wanted:,}.")
    return rows


if __name__ == "__main__":
    main()
