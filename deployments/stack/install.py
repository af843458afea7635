"""Sees to it that there is what to start: `python -m deployments.stack.install [--required] rabbitmq [prometheus]`.

What is there is left alone. Else root gets it from the system's packages, and others get docker's image of it, if there
is one. The server that a package would keep running for the whole machine is switched off: a stack has one of its own.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import click

from datastream.errors import Permanent
from deployments.stack.rabbitmq_server import IMAGE, docker_works, provided

_UPDATE = ("apt-get", "update", "-qq")
_INSTALL = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")
_LAST_LINES = 8


class CannotInstall(Permanent):
    """Something is missing, and there is no way to it from here."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be there, and how it gets there."""

    title: str
    package: str
    version: str
    there: Callable[[], bool]
    units: Callable[[], list[str]]
    """What the package would keep running."""
    image: str | None
    without: str
    """What is so while it is missing."""


def _rabbitmq_units() -> list[str]:
    # The latter two come with Erlang, and answer the whole network.
    return ["rabbitmq-server.service", *(["epmd.socket", "epmd.service"] if shutil.which("erl") is None else [])]


WANTED = {
    "rabbitmq": Wanted(
        title="RabbitMQ",
        package="rabbitmq-server",
        version="3.10",
        there=provided,
        units=_rabbitmq_units,
        image=IMAGE,
        without="Without it, events wait in the lake's log.",
    ),
    "prometheus": Wanted(
        title="Prometheus",
        package="prometheus",
        version="2.42",
        there=lambda: all(shutil.which(command) for command in ("prometheus", "promtool")),
        units=lambda: ["prometheus.service"],
        image=None,
        without="Without it, nothing is scraped, and its rules are not checked.",
    ),
}


def main() -> None:
    """Install what is missing. Exits with 1 if it is required and cannot be had, else with 0."""
    parser = argparse.ArgumentParser(description="See to it that there is what to start.")
    parser.add_argument("--required", action="store_true", help="exit with 1 where something cannot be had")
    parser.add_argument("names", nargs="+", choices=WANTED, metavar="NAME", help=", ".join(WANTED))
    asked = parser.parse_args()
    for name in asked.names:
        try:
            install(WANTED[name], click.echo)
        except CannotInstall as problem:
            if asked.required:
                sys.exit(f"datastream: {problem}")
            click.echo(f"{problem} {WANTED[name].without}")


def install(wanted: Wanted, say: Callable[[str], None]) -> None:
    """Return when it is there; `say` is told what takes long, before it does. Raises CannotInstall."""
    if wanted.there():
        return
    title, package = wanted.title, wanted.package
    has_apt = shutil.which("apt-get") is not None
    if has_apt and os.geteuid() == 0:
        say(f"Installing {title} from the system's packages (half a minute)")
        _from_packages(wanted)
    elif wanted.image and docker_works():
        say(f"Fetching {wanted.image} for docker (a minute)")
        _run(title, "docker", "pull", "--quiet", wanted.image)
    elif has_apt:
        raise CannotInstall(
            f"{title} is not installed, and only root may install it. Run 'sudo apt-get install "
            f"--no-install-recommends {package}'{', or start docker,' if wanted.image else ''} and run again."
        )
    else:
        raise CannotInstall(
            f"{title} is not installed, and there is no apt-get {'and no docker ' if wanted.image else ''}here. "
            f"Install {package} {wanted.version} or later as this system does it, and run again."
        )


def _from_packages(wanted: Wanted) -> None:
    command, units = (*_INSTALL, wanted.package), wanted.units()
    try:
        _run(wanted.title, *command)
    except CannotInstall:  # the lists are missing or old
        _run(wanted.title, *_UPDATE)
        _run(wanted.title, *command)
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", "--quiet", "--now", *units], capture_output=True, check=False)


def _run(title: str, *command: str) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
        raise CannotInstall(
            f"'{' '.join(command)}' ended with exit code {done.returncode}:\n{said}\n"
            f"{title} is not installed. Put that right, and run again."
        )


if __name__ == "__main__":
    main()
