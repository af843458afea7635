"""Opens a lake from its configuration."""

from datastream.connections import LakeConfig
from datastream.lake.local import LocalStore
from datastream.lake.store import Store


def open_lake(config: LakeConfig) -> Store:
    """Return the store of a lake; its folder is made if it does not exist. Raises LakeUnusable."""
    return LocalStore(config.folder)
