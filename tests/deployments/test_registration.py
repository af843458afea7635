"""What `datastream up` tells the Prefect server."""

import os
from pathlib import Path

from tests import commands

REGISTER = """
from datastream.settings import Settings
from deployments.prefect_api import PrefectAway
from deployments.registration import register_blocks
try:
    register_blocks(Settings.read(), None)
except PrefectAway as error:
    print(error)
"""


def test_a_server_that_goes_away_meanwhile_is_told(tmp_path: Path) -> None:
    """Another `up` may have found it too slow, and be starting it again."""
    env = {**os.environ, "DATASTREAM_PROJECT": str(tmp_path), "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    done = commands.run_code(REGISTER, env)
    assert "http://127.0.0.1:9/api does not answer" in done.stdout
