"""Opens a lake from its configuration."""

from datastream.clock import Clock
from datastream.connections import LakeConfig
from datastream.lake.local import LocalStore
from datastream.lake.s3 import S3Store
from datastream.lake.store import Store
from datastream.resilience import BreakerStates


def open_lake(config: LakeConfig, clock: Clock | None = None, states: BreakerStates | None = None) -> Store:
    """Return the store of a lake; a folder is made if it does not exist. Raises LakeUnusable.

    A bucket is asked when it is first used, with retries that wait by `clock` and a breaker shared through `states`.
    """
    return S3Store(config, clock, states) if config.folder is None else LocalStore(config.folder)
