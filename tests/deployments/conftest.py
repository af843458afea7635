"""What the tests of the deployments share: after each of them, no process it started may be left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.stack.process import MARK

PROC = Path("/proc")


def processes_of(folder: Path) -> list[str]:
    """Name the living processes that belong to a service whose data are below `folder`."""
    return [entry.name for entry in PROC.iterdir() if entry.name.isdigit() and belongs(entry, folder)]


def belongs(entry: Path, folder: Path) -> bool:
    try:
        variables = (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(variable.startswith(MARK.encode()) and str(folder).encode() in variable for variable in variables)


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert processes_of(tmp_path) == []
