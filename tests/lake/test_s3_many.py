"""Many objects are put side by side, and a few failures are borne by those that failed."""

import pytest

from datastream.clock import ManualClock
from datastream.connections import LakeConfig
from datastream.lake.s3 import S3Store
from datastream.lake.s3_errors import LakeAway
from tests.proxy import between


def test_of_many_objects_few_are_tried_at_a_store_that_fails(lake: LakeConfig) -> None:
    """Each could take its whole timeout, so that a thousand files would hold a worker for half an hour."""
    with between(lake.endpoint) as proxy:
        store = S3Store(lake.model_copy(update={"endpoint": proxy.url}), ManualClock())
        store.create("first", b"")
        proxy.seen.clear()
        proxy.shares = {"busy": 1.0}
        with pytest.raises(LakeAway):
            store.create_all({f"many/{number}": b"" for number in range(500)})
    assert proxy.seen.total() <= 3 * (16 + 5), "three attempts, each of those under way when the fifth failed"


def test_of_many_objects_some_may_fail_in_passing(lake: LakeConfig) -> None:
    with between(lake.endpoint) as proxy:
        store = S3Store(lake.model_copy(update={"endpoint": proxy.url}), ManualClock())
        store.create("first", b"")
        fates = iter(["passed", "passed", "busy", "broken"] * 10)
        proxy.fate = lambda: next(fates, "passed")  # type: ignore[method-assign]
        assert store.create_all({f"some/{number}": b"" for number in range(60)}) == set()
    assert len(list(store.keys("some/"))) == 60
