"""Opens a lake from its configuration."""

from datastream.connections import LakeConfig
from datastream.lake.local import LocalStore
from datastream.lake.s3 import S3Store
from datastream.lake.store import Store


def open_lake(config: LakeConfig) -> Store:
    """Return the store of a lake; a folder is made if it does not exist. Raises LakeUnusable and S3Missing."""
    return S3Store(config) if config.folder is None else LocalStore(config.folder)
