"""Where what was posted waits until it is committed, and the leases that keep two runs from doing the same work."""

from datastream.buffers.contract import (
    BEGINNING,
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
)

__all__ = [
    "BEGINNING",
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
]
