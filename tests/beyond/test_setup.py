"""What makes a Prefect server know the project: repeatable, and a sentence where the server is away."""

from pathlib import Path

import pytest

from deployments.stack import prefect_server
from tests.beyond.described import ROOT
from tests.commands import by_itself
from tests.prefect_api import ask

SETUP = "deployments.docker.setup"
NOWHERE = "http://127.0.0.1:1/api"


def env(folder: Path, url: str) -> dict[str, str]:
    quiet = {"DO_NOT_TRACK": "1", "PREFECT_CLI_PROMPT": "false"}
    lake = {"DATASTREAM_LAKE_URI": (folder / "lake").as_uri(), "DATASTREAM_PROJECT": str(ROOT)}
    return {"PATH": "/usr/bin:/bin", "PREFECT_HOME": str(folder), "PREFECT_API_URL": url, **quiet, **lake}


def test_a_server_that_is_away_is_told_in_a_sentence(tmp_path: Path) -> None:
    done = by_itself(SETUP, env={**env(tmp_path, NOWHERE), "PREFECT_CLIENT_MAX_RETRIES": "0"})
    assert done.returncode == 1
    assert f"The Prefect server at {NOWHERE} does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.timeout(400)
def test_pool_blocks_and_deployments_are_made_and_made_again(tmp_path: Path) -> None:
    with prefect_server(tmp_path / "server") as url:
        for _ in range(2):
            done = by_itself(SETUP, env=env(tmp_path, url))
            assert done.returncode == 0, done.stderr
            assert "Still to do" in done.stdout, "nobody can have made the block yet, and all others wait for this"
            assert "api-source/flights" in done.stdout
        pool = ask("GET", f"{url}/work_pools/datastream")
        assert pool["type"] == "process"
        assert "deployments.warm" not in str(pool), "no pod has a parent, and each run would say so"
        names = {each["name"] for each in ask("POST", f"{url}/deployments/filter", {})}
        blocks = {each["name"] for each in ask("POST", f"{url}/block_documents/filter", {})}
    assert {"flights", "departures"} <= names
    assert {"local", "departures"} <= blocks
