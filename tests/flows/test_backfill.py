"""`datastream backfill` and the flow `backfill`, with a real Prefect server, a real Redis and real processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from datastream.clock import SystemClock
from datastream.connections import LakeConfig
from datastream.intake.backfills import registered
from datastream.lake import reader
from datastream.lake.lake import open_lake
from datastream.lake.log import Log
from datastream.lake.verify import verify
from deployments.stack.waiting import wait_until
from tests.conftest import orders
from tests.fake_api import FakeApi
from tests.flows.conftest import Project
from tests.story.filling import answers

RANGE = ("--from", "2026-01-05", "--to", "2026-01-15")
CUT = "since, until: before, initial: 2026-01-20T00:00:00Z"


@pytest.fixture
def cut(project: Project, api: FakeApi) -> Project:
    """A stream of an API that knows a window's end, with 20 records a day."""
    project.stream("since, initial: 2026-01-01T00:00:00Z", CUT)
    api.records, api.pages = orders(560), answers(api)
    return project


@contextmanager
def begun(project: Project, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Begin the command, and leave none behind."""
    with subprocess.Popen(
        [Path(sys.executable).with_name("datastream"), "backfill", "orders", *RANGE, *words],
        env={**os.environ, **project.environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as running:  # fmt: skip
        try:
            yield running
        finally:
            running.kill()


def command(project: Project, *words: str) -> tuple[int, Any, str]:
    """Run the command, and return how it ended, what it printed as JSON, and what it said."""
    done = project.command("backfill", "orders", *RANGE, *words, "--json")
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def workers(project: Project) -> list[int]:
    """Return the processes that drain slices of this very lake."""
    mark = project.environment["DATASTREAM_LAKE_URI"].encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words, given = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"flows.backfill" in words and mark in given:
            found.append(int(folder.name))
    return found


def on_lake(project: Project) -> tuple[int, list[str]]:
    found = verify(open_lake(LakeConfig(uri=project.environment["DATASTREAM_LAKE_URI"])), "orders")
    return found.loaded, found.problems


def in_progress(project: Project) -> int:
    newest = Log(open_lake(LakeConfig(uri=project.environment["DATASTREAM_LAKE_URI"])), "orders").newest()
    return len(registered(newest.header.offsets)) if newest else 0


def slices(project: Project) -> list[str]:
    store = open_lake(LakeConfig(uri=project.environment["DATASTREAM_LAKE_URI"]))
    return [lane for lane in reader.lanes(store, "orders") if lane != "0"]


def test_a_range_is_loaded_by_several_workers_and_then_done(cut: Project) -> None:
    code, told, said = command(cut, "--every", "day")
    assert code == 0, said
    assert (told["finished"], told["slices"], told["done"], told["loaded"]) == (True, 10, 10, 200)
    assert (on_lake(cut), len(slices(cut)), in_progress(cut)) == ((200, []), 10, 0)
    code, told, said = command(cut, "--every", "day")
    assert (code, told["done_before"], told["read"]) == (0, True, 0), said


def test_what_cannot_be_is_refused_in_a_sentence(cut: Project) -> None:
    code, _, told = command(cut, "--from", "2026-01-20", "--to", "2026-02-01")
    assert (code, told.startswith("datastream: Nothing is left to fill in"), told.count("\n")) == (2, True, 1), told
    assert slices(cut) == []


@pytest.mark.full
def test_what_cannot_be_finished_is_given_up(cut: Project, api: FakeApi) -> None:
    code, _, told = command(cut, "--give-up")
    assert (code, "No backfill of 'orders' from" in told, told.count("\n")) == (2, True, 1), told
    api.fault = lambda _: (400, {}, b"never")
    code, told, said = command(cut, "--every", "day", "--workers", "1")
    assert (code, told["finished"], in_progress(cut)) == (1, False, 1), said
    code, told, said = command(cut, "--every", "day", "--give-up")
    assert (code, told["given_up"], told["loaded"], in_progress(cut)) == (0, True, 0, 0), said
    api.fault = None
    code, told, said = command(cut, "--every", "day")
    assert (code, told["loaded"]) == (0, 200), said


def test_an_api_that_knows_no_end_is_read_in_one_slice(project: Project, api: FakeApi) -> None:
    api.records = orders(560)
    project.stream("initial: 2026-01-01T00:00:00Z", "initial: 2026-01-20T00:00:00Z")
    code, _, said = command(project, "--every", "day")
    assert (code, "source.cursor.until" in said) == (2, True)
    code, told, said = command(project, "--workers", "1")
    assert (code, told["slices"], told["loaded"]) == (0, 1, 200), said
    assert told["outside"] > 200


def test_a_worker_that_is_killed_is_noticed_and_its_slice_is_taken_by_another(cut: Project, api: FakeApi) -> None:
    """It holds a lease, which runs out."""
    api.fault = slowly
    with begun(cut, "--every", "day", "--json") as running:
        assert wait_until(lambda: len(leases(cut)) == 2, timedelta(seconds=60))
        os.kill(workers(cut)[0], signal.SIGKILL)
        api.fault = None
        out, said = running.communicate(timeout=90)
    assert "was ended by SIGKILL" in said
    assert (running.returncode, json.loads(out)["loaded"], on_lake(cut)) == (0, 200, (200, []))


def slowly(_: str) -> None:
    """Answer as ever, after a while."""
    SystemClock().sleep(timedelta(seconds=1))


def leases(project: Project) -> list[bytes]:
    with redis.Redis.from_url(project.redis_url) as client:
        return client.keys("datastream:lease:orders:backfill-*")


@pytest.mark.full
def test_where_all_workers_are_killed_the_same_command_goes_on(cut: Project, api: FakeApi) -> None:
    api.fault = slowly
    with begun(cut, "--every", "day", "--workers", "1", "--json") as running:
        assert wait_until(lambda: len(slices(cut)) > 0, timedelta(seconds=60))
        os.kill(workers(cut)[0], signal.SIGKILL)
        out, said = running.communicate(timeout=60)
    assert (running.returncode, json.loads(out)["finished"]) == (1, False)
    assert "was ended by SIGKILL" in said
    api.fault = None
    code, told, said = command(cut, "--every", "day", "--workers", "1")
    assert (code, told["loaded"], on_lake(cut), in_progress(cut)) == (0, 200, (200, []), 0), said


@pytest.fixture
def heeded() -> Iterator[None]:
    """Where the tests run in the background they ignore Ctrl-C, and so would whoever they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
def test_ctrl_c_ends_the_workers_and_says_how_to_go_on(cut: Project, api: FakeApi) -> None:
    api.fault = slowly
    with begun(cut, "--every", "day") as running:
        assert wait_until(lambda: len(leases(cut)) > 0, timedelta(seconds=60))
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "go on with: datastream backfill orders --from 2026-01-05 --to 2026-01-15 --every day" in said
    assert (workers(cut), leases(cut)) == ([], [])


def test_the_flow_registers_and_joins_by_itself(cut: Project) -> None:
    done = cut.run("orders", "2026-01-05", "2026-01-08", "day", flow="backfill")
    assert done.returncode == 0, done.stderr
    assert (on_lake(cut), in_progress(cut)) == ((60, []), 0)
    assert cut.last_run["name"] == "orders 2026-01-05T00:00:00Z to 2026-01-08T00:00:00Z every P1D"
    again = cut.run("orders", "2026-01-05", "2026-01-08", "day", flow="backfill")
    assert (again.returncode, on_lake(cut)) == (0, (60, []))
