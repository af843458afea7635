"""The commands that docs/operations.md shows, one after another as they stand there, on a lake with rows."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.conftest import World, order, orders
from tests.flows.conftest import STREAM

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"
COMMAND = "from deployments.cli import main; main()"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", DOCS.read_text(), re.DOTALL)


def test_each_command_and_each_line_of_python_does_what_it_says(world: World, tmp_path: Path) -> None:
    world.api.records = [*orders(120), order(121, amount=None)]
    world.run()
    (tmp_path / "streams").mkdir()
    [asked] = blocks("yaml")
    (tmp_path / "streams" / "orders.yaml").write_text(STREAM % "http://127.0.0.1:1" + asked)
    env = {**os.environ, "DATASTREAM_PROJECT": str(tmp_path), "DATASTREAM_LAKE_URI": (tmp_path / "lake").as_uri()}
    ran = 0
    for line in "".join(blocks("sh")).splitlines():
        words = shlex.split(line.replace("file:///backup", f"{tmp_path.as_uri()}/backup"), comments=True)
        lake = {"DATASTREAM_LAKE_URI": words.pop(0).split("=", 1)[1]} if words[0].startswith("DATASTREAM_") else {}
        if words[0] != "datastream":
            continue  # the buffer's own are those of `test_backup`
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *words[1:]], env={**env, **lake}, input="y\n", capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        ran += 1
    assert ran == 9
    [python] = blocks("python")
    subprocess.run([sys.executable, "-c", python + "\nassert table.num_columns == 2"], env=env, check=True)
