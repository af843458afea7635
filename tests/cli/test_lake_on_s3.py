"""A lake on S3 from the command line: the same answers, and a sentence and exit code 1 for what is wrong with it."""

import subprocess
import time
from pathlib import Path

import pytest

from datastream.connections import LakeConfig
from datastream.lake.s3 import S3Store
from tests.commands import DATASTREAM, run
from tests.conftest import World, order, orders
from tests.seaweedfs import fresh_lake

AWAY = "http://127.0.0.1:9"


@pytest.fixture
def lake(s3_lake: LakeConfig, tmp_path: Path) -> LakeConfig:
    return fresh_lake(s3_lake, tmp_path.name)


def datastream(lake: LakeConfig, project: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    assert lake.secret_key
    env = {
        "PATH": "/usr/bin:/bin",
        "COLUMNS": "200",
        "DATASTREAM_PROJECT": str(project),
        "DATASTREAM_LAKE_URI": lake.uri,
        "DATASTREAM_S3_ENDPOINT": str(lake.endpoint),
        "DATASTREAM_S3_ACCESS_KEY": str(lake.access_key),
        "DATASTREAM_S3_SECRET_KEY": lake.secret_key.get_secret_value(),
        **changes,
    }
    return run(DATASTREAM, *words, env=env)


def test_what_is_committed_is_counted_verified_and_asked(lake: LakeConfig, world: World, tmp_path: Path) -> None:
    world.store = S3Store(lake)
    world.api.records = [*orders(120), order(121, amount=None)]
    world.run()
    assert '"ok": true' in datastream(lake, tmp_path, "lake", "verify", "orders", "--json").stdout
    asked = datastream(lake, tmp_path, "sql", "select count(*) as n from orders", "--json")
    assert (asked.stdout.split(), asked.stderr) == (["[", "{", '"n":', "120", "}", "]"], "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DATASTREAM_LAKE_URI": "s3://nobucket/x"}, "Make it, for example with 'aws s3 mb s3://nobucket'"),
        ({"DATASTREAM_S3_SECRET_KEY": "wrong"}, "correct DATASTREAM_S3_SECRET_KEY"),
        ({"DATASTREAM_S3_ENDPOINT": AWAY}, "cannot be reached"),
        ({"DATASTREAM_S3_ENDPOINT": "nowhere"}, "DATASTREAM_S3_ENDPOINT cannot be used: 'nowhere' is not where an S3"),
    ],
    ids=["bucket", "keys", "away", "endpoint"],
)
def test_what_is_wrong_is_told_in_a_sentence(
    lake: LakeConfig, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    began = time.monotonic()
    done = datastream(lake, tmp_path, "lake", "count", "orders", **changes)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < 20
