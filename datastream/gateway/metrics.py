"""What the gateway counts, as one table, for Prometheus. The registry is its own: nothing is global."""

from collections.abc import Mapping
from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, Histogram, generate_latest

from datastream.observe.metric import Metric

Status = Literal["accepted", "repeat", "refused", "unavailable"]
"""accepted: kept. repeat: kept before. refused: the sender's to mend (4xx). unavailable: ours (503)."""


DURATION = Metric(
    "stream_processing_duration",
    "Seconds from a post's headers to its answer. When accepted ones grow slow, look at the buffer.",
    ("stream_type", "status"),
)
DEPTH = Metric(
    "event_queue_depth",
    "Deliveries that wait in a lane. When it only grows, the stream's deployment does not run, or fails.",
    ("queue", "priority"),
)
UP = Metric(
    "datastream_up",
    "1 if a dependency is as it should be, else 0; /health/ready says why it is not.",
    ("dependency",),
)
LOST = Metric(
    "datastream_lost_estimate",
    "Accepted deliveries that seem to be gone with a buffer that was flushed or restored. Have them sent again.",
    ("queue",),
)
TABLE = (DURATION, DEPTH, UP, LOST)

# From a loaded machine's best to the longest a post may take: 10 s for its body, and the append.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
_STREAM_TYPE = "webhook"
_PRIORITY = "default"


class Metrics:
    """The counters of one gateway."""

    content_type = CONTENT_TYPE_LATEST.encode()

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        duration = Histogram(*DURATION, registry=self._registry, buckets=_BUCKETS)
        statuses: tuple[Status, ...] = ("accepted", "repeat", "refused", "unavailable")
        self._durations = {status: duration.labels(_STREAM_TYPE, status) for status in statuses}
        self._depth = Gauge(*DEPTH, registry=self._registry)
        self._up = Gauge(*UP, registry=self._registry)
        self._lost = Gauge(*LOST, registry=self._registry)

    def answered(self, status: Status, seconds: float) -> None:
        """Count a post that was answered."""
        self._durations[status].observe(seconds)

    def text(self, depths: Mapping[str, int], up: Mapping[str, bool], lost: Mapping[str, int]) -> bytes:
        """Return all of it, with the depths that are known now."""
        self._depth.clear()
        for lane, depth in depths.items():
            self._depth.labels(lane, _PRIORITY).set(depth)
        for dependency, well in up.items():
            self._up.labels(dependency).set(well)
        for lane, count in lost.items():
            self._lost.labels(lane).set(count)
        return generate_latest(self._registry)
