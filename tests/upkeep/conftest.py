"""A stream to keep up, on every kind of lake."""

from pathlib import Path

import pytest

from datastream.lake.local import LocalStore
from datastream.lake.s3 import S3Store
from datastream.lake.store import MemoryStore, Store
from tests.seaweedfs import fresh_lake
from tests.upkeep.kept import Kept


@pytest.fixture(params=["memory", "local", "s3"])
def everywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "s3":
        return Kept(S3Store(fresh_lake(request.getfixturevalue("s3_lake"), tmp_path.name)))
    store: Store = MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "lake")
    return Kept(store)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(LocalStore(tmp_path / "lake"))
