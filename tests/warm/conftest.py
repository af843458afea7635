"""A parent for all tests of a file; one that a test ends is the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warm.machine import Machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with Machine(tmp_path_factory.mktemp("machine")).serving() as served:
        yield served


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Machine]:
    with Machine(tmp_path).serving() as served:
        yield served
