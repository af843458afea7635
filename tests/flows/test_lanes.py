"""A stream of several lanes on a real Prefect server: runs share them, and the command changes how many there are."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from pydantic import SecretStr

from datastream.buffers import Delivery, lane_of, shard_of
from datastream.buffers.redis import open_buffer
from datastream.connections import BufferConfig, LakeConfig
from datastream.lake import reader
from datastream.lake.lake import open_lake
from datastream.lake.verify import verify
from tests.commands import DATASTREAM, by_itself
from tests.conftest import order
from tests.flows.conftest import Project
from tests.posts import SECRET

POSTED = f"""
name: orders
source: {{kind: webhook, block: {{secrets: ["{SECRET}"]}}}}
key: [id]
transform: tests.transforms:timed
partition_by: {{field: at}}
suite: orders
shards: 3
batch: {{size: 50, per_commit: 2}}
"""
LANES = ["0", "1", "2"]


@pytest.fixture
def posted(project: Project) -> Project:
    (project.folder / "streams/orders.yaml").write_text(POSTED)
    return project


def post(project: Project, *numbers: int, shards: int = 3) -> None:
    with open_buffer(BufferConfig(url=SecretStr(project.redis_url))) as buffer:
        for number in numbers:
            name = f"post-{number}"
            delivery = Delivery(name, json.dumps(order(number)).encode())
            buffer.append(lane_of("orders", shard_of(name, shards)), [delivery], timedelta(days=1))


def on_lake(project: Project) -> tuple[int, list[str], list[str]]:
    store = open_lake(LakeConfig(uri=(project.folder / "lake").as_uri()))
    found = verify(store, "orders")
    return found.loaded, reader.lanes(store, "orders"), found.problems


def test_one_run_drains_all_lanes_and_says_so(posted: Project) -> None:
    post(posted, *range(1, 601))
    done = posted.run()
    assert done.returncode == 0, done.stderr
    assert on_lake(posted) == (600, LANES, [])
    assert all(f"lane {lane}: " in posted.last_run["name"] for lane in LANES)
    assert '"read", "rows": "600"' in str(posted.artifacts["orders-accounts"]["data"]).replace("'", '"')


def test_runs_side_by_side_share_the_lanes(posted: Project) -> None:
    post(posted, *range(1, 901))
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "flows.etl_pipeline", "orders"],
            env={**os.environ, **posted.environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [run.wait() for run in runs] == [0, 0]
    assert on_lake(posted) == (900, LANES, [])


def test_a_changed_file_is_refused_until_the_command_has_changed_over(posted: Project) -> None:
    post(posted, *range(1, 101))
    assert posted.run().returncode == 0
    post(posted, *range(101, 121))
    posted.stream("shards: 3", "shards: 1")
    refused = posted.run()
    assert refused.returncode == 1
    assert "shards was 3 and is 1" in refused.stderr
    assert "Run `datastream reshape orders`" in refused.stderr
    assert "Traceback" not in refused.stderr
    changed = posted.command("reshape", "orders", "--yes", "--json")
    assert json.loads(changed.stdout)["differs"] == {"shards": {"was": 3, "is": 1}}, changed.stderr
    assert on_lake(posted)[0] == 120
    post(posted, *range(1, 131), shards=1)
    assert posted.run().returncode == 0
    assert on_lake(posted) == (130, LANES, [])


def test_where_nothing_differs_there_is_nothing_to_change(posted: Project) -> None:
    env = {**os.environ, **posted.environment}
    said = by_itself(DATASTREAM, "reshape", "orders", env=env)
    assert (said.returncode, said.stdout) == (0, "orders is as its file says: nothing to do.\n")
