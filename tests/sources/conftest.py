"""What the tests of sources share: somebody inside whom no API source may reach unless its block says so."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.sources.talk import Canary


@pytest.fixture
def canary() -> Iterator[Canary]:
    with closing(Canary()) as inside:
        yield inside
