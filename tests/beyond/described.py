"""What deployments/ describes, read as those tools read it that would run it."""

import importlib.util
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import yaml

from deployments.cli import cli

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS = ROOT / "deployments"
COMPOSE = DEPLOYMENTS / "docker" / "compose.yaml"
PASSWORDS = ("POSTGRES", "REDIS", "RABBITMQ", "S3", "PREFECT", "GRAFANA")


def run(tool: str, *words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a tool that the tests' environment or the system has."""
    own = Path(sys.executable).with_name(tool)
    command = [str(own if own.exists() else tool), *map(str, words)]
    plain = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(command, env={**plain, **(env or {})}, cwd=ROOT, capture_output=True, text=True, check=False)


def composed() -> dict[str, Any]:
    """Return the compose file as the engine would get it, each password being its name in lower case."""
    done = run("docker-compose", "-f", COMPOSE, "config", env={f"{n}_PASSWORD": n.lower() for n in PASSWORDS})
    assert (done.returncode, done.stderr) == (0, "")
    return yaml.safe_load(done.stdout)


def manifests() -> list[dict[str, Any]]:
    """Return the resources as kustomize gives them to a cluster."""
    done = run("kubectl", "kustomize", DEPLOYMENTS / "kubernetes")
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def pods(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what describes pods, by the names of what makes them."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in resources
        if "template" in each.get("spec", {})
    }


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, each a word and what follows it."""
    lines = [line for line in dockerfile.read_text().splitlines() if line.strip() and not line.startswith("#")]
    whole = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in whole)]


def understood(command: list[str]) -> bool:
    """Tell whether one of our own commands takes these words; of others' only that there is such a program."""
    if command[0] == "datastream":
        name, *words = command[1:]
        try:
            cli.commands[name].make_context(name, words)
        except (KeyError, click.ClickException):
            return False
        return True
    if command[:2] == ["python", "-m"]:
        return importlib.util.find_spec(command[2]) is not None
    return command[0] == "prefect" and Path(sys.executable).with_name("prefect").exists()


def options_of_prefect(command: list[str]) -> set[str]:
    """Return the options among the words of a Prefect command that its help does not name."""
    named = [word for word in command if word.startswith("--")]
    at = next(number for number, word in enumerate(command) if word.startswith("-"))
    words = [*command[1:at], "--help"]
    shown = run("prefect", *words, env={"COLUMNS": "200", "DO_NOT_TRACK": "1", "PREFECT_HOME": "/nonexistent"})
    assert shown.returncode == 0, shlex.join(words)
    return {name for name in named if name not in shown.stdout}
