"""A stream that is posted."""

from typing import Any

from datastream.catalog import Stream

SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXM="


def posted_stream(**changes: Any) -> Stream:
    return Stream.model_validate({
        "name": "orders",
        "source": {"kind": "webhook", "block": {"secrets": [SECRET]}},
        "transform": "tests.transforms:timed",
        "partition_by": {"field": "at", "grain": "day"},
        "suite": "orders",
        "batch": {"size": 100, "per_commit": 5},
        **changes,
    })  # fmt: skip
