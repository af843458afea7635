"""One run of the main job in a process of its own, forked from one that has Great Expectations loaded already."""

import os
import secrets
from pathlib import Path

import msgspec
import s3fs  # noqa: F401 - loaded once, for all children

from datastream import quality
from datastream.clock import SystemClock
from datastream.connections import ApiConfig, LakeConfig
from datastream.lake import writer
from datastream.lake.lake import open_lake
from datastream.lake.plan import Plan
from datastream.lane import open_lane
from datastream.pipeline import drain
from tests.conftest import stream_of

quality.warm()


def run(source: ApiConfig, suites: Path, lake: LakeConfig, crash_at: str, plant: str) -> None:
    """Drain the stream once, to be killed at `crash_at`; `plant` is a bug the harness has to find."""
    os.environ["CRASH_AT"] = crash_at
    if plant == "random names":
        writer.write = _random_names(writer.write)
    suite = quality.load_suite(suites, "orders")
    stream = stream_of(batch={"size": 20, "per_commit": 5})
    with open_lane(stream, suite, open_lake(lake), source, run="r", clock=SystemClock()) as lane:
        drain(lane)


def _random_names(write):
    def planted(store, plan: Plan):
        files = [
            msgspec.structs.replace(file, key=file.key.replace(".parquet", f"-{secrets.token_hex(4)}.parquet"))
            for file in plan.files
        ]
        return write(store, msgspec.structs.replace(plan, files=files))

    return planted
