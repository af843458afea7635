"""One run of the main job in a process of its own, forked from one that has Great Expectations loaded already."""

import importlib
import os
import secrets
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from datastream import quality
from datastream.catalog import Stream, WebhookSpec
from datastream.connections import ApiConfig, BufferConfig, LakeConfig
from datastream.intake import Intake
from datastream.intake.api import api_intake
from datastream.intake.webhook import webhook_intake
from datastream.lake import writer
from datastream.lake.lake import open_lake
from datastream.lake.plan import Plan
from datastream.lane import open_lane
from datastream.pipeline import drain
from tests.conftest import stream_of
from tests.posts import posted_stream

quality.warm()
importlib.import_module("s3fs")  # once, and not in each run that is forked from here


@dataclass(frozen=True)
class Job:
    """What one run is given: where records come from, where they go, and where it is to be killed."""

    suites: Path
    lake: LakeConfig
    api: ApiConfig | None = None
    buffer: BufferConfig | None = None
    crash_at: str = ""
    plant: str = ""
    """A bug that the harness has to find."""


def run(job: Job) -> None:
    """Drain the stream once, to be killed where the job says."""
    os.environ["CRASH_AT"] = job.crash_at
    if job.plant == "random names":
        writer.write = _random_names(writer.write)
    batch = {"size": 20, "per_commit": 5}
    stream = stream_of(batch=batch) if job.api else posted_stream(batch=batch)
    suite = quality.load_suite(job.suites, "orders")
    store = open_lake(job.lake)
    with _intake(job, stream) as intake, open_lane(stream, suite, store, intake, run="r") as lane:
        drain(lane)


def _intake(job: Job, stream: Stream) -> AbstractContextManager[Intake]:
    if job.api:
        return api_intake(stream, job.api)
    assert isinstance(stream.source, WebhookSpec)
    assert job.buffer
    return webhook_intake(stream, stream.source, job.buffer)


def _random_names(write):
    def planted(store, plan: Plan):
        files = [
            msgspec.structs.replace(file, key=file.key.replace(".parquet", f"-{secrets.token_hex(4)}.parquet"))
            for file in plan.files
        ]
        return write(store, msgspec.structs.replace(plan, files=files))

    return planted
