"""One worker in a process of its own, forked from one that has Great Expectations loaded already.

It is the only place where the harness opens a lane: what a worker does, it does as the product does it.
"""

import importlib
import os
import random
import resource
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from datastream import quality
from datastream.buffers.lease import LeasePolicy
from datastream.catalog import Stream, WebhookSpec
from datastream.clock import SystemClock
from datastream.connections import ApiConfig, BufferConfig, LakeConfig
from datastream.errors import Permanent, Transient
from datastream.intake import Intake
from datastream.intake.api import api_intake
from datastream.intake.webhook import webhook_intake
from datastream.lake import s3
from datastream.lake.lake import open_lake
from datastream.lane import open_lane
from datastream.pipeline import drain
from tests.chaos.deploys import STREAM, Deploy
from tests.chaos.notes import NotedBus, Notes, stop_at, watch
from tests.chaos.plants import plant

quality.warm()
# Once, and not in each worker that is forked from here: s3fs, and what is read by it to speak S3.
importlib.import_module("s3fs")
_described = s3._session().get_component("data_loader")
_described.load_service_model("s3", "service-2", None)
_described.load_service_model("s3", "endpoint-rule-set-1", None)

GAVE_UP, BROKEN = 75, 70
"""How a worker ends whose run may come again, and one whose run would fail again."""
_BRISK = 0.02


class BriskClock(SystemClock):
    """Waits between retries are shortened: what is tried is whether they are right, not how long they are."""

    def sleep(self, duration: timedelta) -> None:
        super().sleep(duration * _BRISK)


@dataclass(frozen=True)
class Job:
    """What one worker is given: where records come from, where they go, what is deployed, and what befalls it."""

    deploy: Deploy
    suites: Path
    source: Mapping[str, Any]
    lake: LakeConfig
    notes: Path
    seed: int
    api: ApiConfig | None = None
    buffer: BufferConfig | None = None
    leases: BufferConfig | None = None
    lease: timedelta = timedelta(seconds=1.5)
    crash_at: str = ""
    stop_at: tuple[str, float] | None = None
    file_bytes: int | None = None
    """The largest file it may write, as if the disk were full."""
    plant: str = ""
    """A bug that the harness has to find."""


def run(job: Job) -> None:
    """Drain the stream once. Who gives up or breaks says so by how it ends."""
    os.environ["CRASH_AT"] = job.crash_at
    random.seed(job.seed)
    if job.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job.file_bytes, job.file_bytes))
    notes = Notes(job.notes)
    plant(job.plant)
    watch(notes)
    if job.stop_at:
        stop_at(*job.stop_at, notes)
    try:
        _drain(job, notes)
    except Transient as error:
        notes.add(f"gave up: {type(error).__name__}")
        sys.exit(GAVE_UP)
    except Permanent as error:
        notes.add(f"broke: {type(error).__name__}: {' '.join(str(error).split())}")
        sys.exit(BROKEN)


def _drain(job: Job, notes: Notes) -> None:
    stream, clock = job.deploy.stream(job.source), BriskClock()
    suite = quality.load_suite(job.deploy.suites(job.suites), STREAM)
    policy = LeasePolicy(lasts=job.lease, poll=timedelta(milliseconds=20))
    with (
        _intake(job, stream, clock) as intake,
        open_lane(
            stream, suite, open_lake(job.lake, clock), intake, run="r", bus=NotedBus(notes), buffer=job.leases,
            lease_policy=policy,
        ) as lane,
    ):  # fmt: skip
        drain(lane)


def _intake(job: Job, stream: Stream, clock: BriskClock) -> AbstractContextManager[Intake]:
    if job.api:
        return api_intake(stream, job.api, clock)
    assert isinstance(stream.source, WebhookSpec)
    assert job.buffer
    return webhook_intake(stream, stream.source, job.buffer, clock)
