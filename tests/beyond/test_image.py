"""The image: what it is made of is there, nothing else gets into it, and what it runs as is not root."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.beyond.described import DEPLOYMENTS, ROOT, instructions, run

DOCKERFILE = DEPLOYMENTS / "docker" / "Dockerfile"
IGNORED = (ROOT / ".dockerignore").read_text().split("\n")
ADMITTED = [line[1:] for line in IGNORED if line.startswith("!")]


def copied(dockerfile: Path) -> list[tuple[str, str]]:
    """Return what is copied from the checkout, and where to."""
    return [tuple(rest.split()) for word, rest in instructions(dockerfile) if word == "COPY" and "--from" not in rest]


def test_the_linter_finds_nothing() -> None:
    done = run("hadolint", DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


def test_everything_that_is_copied_is_there_and_admitted() -> None:
    for source, _ in copied(DOCKERFILE):
        assert (ROOT / source).exists()
        assert source == "." or any(Path(source).is_relative_to(name) for name in ADMITTED), source


def test_nothing_gets_in_that_is_not_named() -> None:
    """What the checkout may also hold: settings with secrets, data, history, an environment."""
    named = [line for line in IGNORED if line and not line.startswith("#")]
    assert named[0] == "*"
    assert all((ROOT / name).exists() for name in ADMITTED)
    assert not [name for name in ADMITTED if name.startswith(".") or name in {"tests", "benchmarks", "docs"}]
    assert {"**/.env", "**/*.pem"} <= set(named[-3:])


def test_it_runs_as_a_user_without_rights() -> None:
    users = [rest for word, rest in instructions(DOCKERFILE) if word == "USER"]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", users[-1])


def settings() -> dict[str, str]:
    return dict(pair.split("=") for word, rest in instructions(DOCKERFILE) if word == "ENV" for pair in rest.split())


def test_its_environment_names_real_settings() -> None:
    """What Prefect is told is what the local stack tells it, too."""
    from deployments.stack.prefect_server import CANCELLED_AFTER, KEPT, QUIET

    told = {**QUIET, **KEPT, **CANCELLED_AFTER, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
    assert told.items() <= settings().items()


def test_whatever_prefect_writes_it_writes_where_it_may() -> None:
    """Its server lays the UI out beside its own code unless told otherwise, and has none where it may not write."""
    written = [settings()[name] for name in ("HOME", "PREFECT_HOME", "PREFECT_UI_STATIC_DIRECTORY")]
    assert all(Path(place).is_relative_to("/tmp") for place in written)  # noqa: S108 - it is the only place there


@pytest.mark.full
@pytest.mark.timeout(900)
def test_its_steps_make_commands_that_run(tmp_path: Path) -> None:
    """The steps of its first stage, in a folder that gets what the image would get, and what its containers run."""
    built, venv = tmp_path / "build", tmp_path / "venv"
    for name in ADMITTED:
        (built / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, built / name)
    index = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    env = {"PATH": f"{Path(sys.base_prefix) / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path), **index}
    first = [word for word, _ in instructions(DOCKERFILE)].index("FROM", 1)
    for step in [rest for word, rest in instructions(DOCKERFILE)[:first] if word == "RUN"]:
        done(step.replace("/venv", str(venv)), built, env)
    project = tmp_path / "project"
    project.mkdir()
    for command in ("datastream --version", "prefect version", "python -c 'import flows.etl_pipeline, tasks, blocks'"):
        done(f"{venv / 'bin'}/{command}", project, {**env, "PREFECT_HOME": str(tmp_path / "prefect")})
    templates = list(venv.glob("lib/python3*/site-packages/datastream/report/templates/*.html"))
    assert len(templates) == len(list((ROOT / "datastream" / "report" / "templates").glob("*.html")))


def done(command: str, folder: Path, env: dict[str, str]) -> None:
    ended = subprocess.run(["/bin/sh", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{command}\n{ended.stderr[-2000:]}"
