"""Sees to it that there is a RabbitMQ to start: `python -m deployments.stack.install_rabbitmq [--required]`.

What is there is left alone. Else root gets it from the system's packages, and others get docker's image. The server
that the package would keep running for the whole machine is switched off, for a stack has one of its own.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import click

from datastream.errors import Permanent
from deployments.stack.rabbitmq_server import IMAGE, docker_works, provided

_UPDATE = ("apt-get", "update", "-qq")
_INSTALL = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", "rabbitmq-server")
_LAST_LINES = 8


class CannotInstall(Permanent):
    """There is no RabbitMQ, and no way to one from here."""


def main() -> None:
    """Install what is missing. Exits with 1 if a server is required and there is none, else with 0."""
    parser = argparse.ArgumentParser(description="See to it that there is a RabbitMQ to start.")
    parser.add_argument("--required", action="store_true", help="exit with 1 where there is none")
    asked = parser.parse_args()
    try:
        install(click.echo)
    except CannotInstall as problem:
        if asked.required:
            sys.exit(f"datastream: {problem}")
        click.echo(f"{problem} Without it, events wait in the lake's log.")


def install(say: Callable[[str], None]) -> None:
    """Return when there is a server to start; `say` is told what takes long, before it does. Raises CannotInstall."""
    if provided():
        return
    has_apt = shutil.which("apt-get") is not None
    if has_apt and os.geteuid() == 0:
        say("Installing RabbitMQ from the system's packages (half a minute)")
        _from_packages()
    elif docker_works():
        say(f"Fetching {IMAGE} for docker (a minute)")
        _run("docker", "pull", "--quiet", IMAGE)
    elif has_apt:
        raise CannotInstall(
            "RabbitMQ is not installed, and only root may install it. "
            "Run 'sudo apt-get install --no-install-recommends rabbitmq-server', or start docker, and run again."
        )
    else:
        raise CannotInstall(
            "RabbitMQ is not installed, and there is neither apt-get nor docker here. "
            "Install rabbitmq-server 3.10 or later as this system does it, and run again."
        )


def _from_packages() -> None:
    units = ["rabbitmq-server.service"]
    if shutil.which("erl") is None:
        units += ["epmd.socket", "epmd.service"]  # they come with Erlang, and answer the whole network
    try:
        _run(*_INSTALL)
    except CannotInstall:  # the lists are missing or old
        _run(*_UPDATE)
        _run(*_INSTALL)
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", "--quiet", "--now", *units], capture_output=True, check=False)


def _run(*command: str) -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:])
        raise CannotInstall(
            f"'{' '.join(command)}' ended with exit code {done.returncode}:\n{said}\n"
            "RabbitMQ is not installed. Put that right, and run again."
        )


if __name__ == "__main__":
    main()
