from collections.abc import Iterator

import pytest

from datastream.clock import ManualClock
from tests.auth.login import Login, logging_in


@pytest.fixture
def login() -> Iterator[Login]:
    with logging_in(Login()) as served:
        yield served


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
