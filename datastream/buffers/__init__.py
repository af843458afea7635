"""Where what was posted waits until it is committed, and the leases that keep two runs from doing the same work."""

from datastream.buffers.contract import (
    BEGINNING,
    FIRST_LANE,
    MOST_LANES,
    Buffer,
    BufferAway,
    BufferFull,
    BufferRefused,
    BufferUnsafe,
    Delivery,
    Entry,
    EpochChanged,
    Reach,
    lane_of,
    position_order,
    received_at,
    shard_of,
)

__all__ = [
    "BEGINNING",
    "FIRST_LANE",
    "MOST_LANES",
    "Buffer",
    "BufferAway",
    "BufferFull",
    "BufferRefused",
    "BufferUnsafe",
    "Delivery",
    "Entry",
    "EpochChanged",
    "Reach",
    "lane_of",
    "position_order",
    "received_at",
    "shard_of",
]
