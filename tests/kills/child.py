"""One run of the main job in a process of its own, forked from one that has Great Expectations loaded already."""

import os
import secrets
from pathlib import Path

import msgspec

from datastream import quality
from datastream.connections import ApiConfig, LakeConfig
from datastream.intake.api import api_intake
from datastream.lake import writer
from datastream.lake.lake import open_lake
from datastream.lake.plan import Plan
from datastream.lane import open_lane
from datastream.pipeline import drain
from tests.conftest import stream_of

quality.warm()


def run(url: str, folder: str, crash_at: str, plant: str) -> None:
    """Drain the stream once, to be killed at `crash_at`; `plant` is a bug the harness has to find."""
    os.environ["CRASH_AT"] = crash_at
    if plant == "random names":
        writer.write = _random_names(writer.write)
    suite = quality.load_suite(Path(folder) / "expectations", "orders")
    store = open_lake(LakeConfig(uri=(Path(folder) / "lake").as_uri()))
    stream = stream_of(batch={"size": 20, "per_commit": 5})
    config = ApiConfig(base_url=url)
    with api_intake(stream, config) as intake, open_lane(stream, suite, store, intake, run="r") as lane:
        drain(lane)


def _random_names(write):
    def planted(store, plan: Plan):
        files = [
            msgspec.structs.replace(file, key=file.key.replace(".parquet", f"-{secrets.token_hex(4)}.parquet"))
            for file in plan.files
        ]
        return write(store, msgspec.structs.replace(plan, files=files))

    return planted
