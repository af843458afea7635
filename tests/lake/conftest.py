"""A lake on S3 for each test that asks for one."""

from pathlib import Path

import pytest

from datastream.connections import LakeConfig
from tests.seaweedfs import fresh_lake


@pytest.fixture
def lake(s3_lake: LakeConfig, tmp_path: Path) -> LakeConfig:
    return fresh_lake(s3_lake, tmp_path.name)
