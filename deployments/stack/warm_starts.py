"""The parent that runs are forked from. The stack does without: its runs then load what they need, and say so."""

import sys
from pathlib import Path

from deployments.stack.service import Service
from deployments.warm.door import who_answers


def warm_service(project: Path, log: Path, mark: str) -> Service:
    """Describe the parent of one project's runs. What it forks outlives it, and bears its mark."""
    return Service(
        name="warm",
        title="Warm starts",
        command=(sys.executable, "-m", "deployments.warm.parent"),
        env={"DATASTREAM_PROJECT": str(project)},
        folder=project,
        log=log,
        mark=mark,
        address="",
        port=None,
        works=lambda process: who_answers(str(project)) == process.pid,
        optional=True,
    )
