"""Opens a lake from its configuration, and tells whether it keeps what a lake promises."""

import secrets

from datastream.clock import Clock
from datastream.connections import LakeConfig
from datastream.errors import Permanent
from datastream.lake import layout
from datastream.lake.local import LocalStore
from datastream.lake.s3 import S3Store
from datastream.lake.store import Store
from datastream.resilience import BreakerStates, RetryPolicy


def open_lake(
    config: LakeConfig,
    clock: Clock | None = None,
    states: BreakerStates | None = None,
    retry: RetryPolicy | None = None,
) -> Store:
    """Return the store of a lake; a folder is made if it does not exist. Raises LakeUnusable.

    A bucket is asked when it is first used, with retries that wait by `clock` and a breaker shared through `states`.
    """
    return S3Store(config, clock, states, retry) if config.folder is None else LocalStore(config.folder)


class LakeUnsafe(Permanent):
    """A store does not create an object only once."""


def check(config: LakeConfig) -> str:
    """Return what the lake is, in a sentence, after creating an object twice, and deleting it. Raises LakeUnsafe."""
    store = open_lake(config)
    key = layout.probe(secrets.token_hex(8))
    try:
        store.create(key, b"first")  # its answer may be lost, and "exists" then means ours
        second, kept = store.create(key, b"second"), store.read(key)
    finally:
        store.delete(key)
    if second or kept != b"first":
        raise LakeUnsafe(
            f"The lake {config.uri} let a second writer replace what the first one wrote, so two workers could load a "
            "record twice. Use a store that honours If-None-Match: * on PUT."
        )
    return f"The lake {config.uri} can be written, and lets one writer win."
