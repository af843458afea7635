"""A run by hand where no Prefect server is named: Prefect starts one for it, which tells nobody of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import SUITE, orders
from tests.fake_api import FakeApi
from tests.flows.conftest import STREAM
from tests.sources.talk import Canary


@pytest.fixture
def canary() -> Iterator[Canary]:
    found = Canary()
    yield found
    found.close()


@pytest.mark.full
def test_a_run_without_a_server_reports_nothing_to_anybody(api: FakeApi, tmp_path: Path, canary: Canary) -> None:
    """All that leaves this machine would go through the proxy, where nobody is asked for anything."""
    for name, text in {"streams/orders.yaml": STREAM % api.url, "expectations/orders.json": json.dumps(SUITE)}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    api.records = orders(10)
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    proxy = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), f"http://127.0.0.1:{canary.port}")
    done = subprocess.run(
        [sys.executable, "-m", "flows.etl_pipeline", "orders"],
        env={
            **kept, **proxy, "NO_PROXY": "127.0.0.1,localhost", "PREFECT_HOME": str(tmp_path / "prefect"),
            "DATASTREAM_PROJECT": str(tmp_path), "DATASTREAM_LAKE_URI": (tmp_path / "lake").as_uri(),
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "10 read = 10 loaded" in done.stderr
    assert canary.hits == 0
