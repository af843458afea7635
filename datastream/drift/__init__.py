"""Holds what a source answers now against what its stream expects: the agreed schema, and what its file says of fields.

A few records are a sample: what they do not show may still come. No transform and no suite is run, nothing is written.
"""

from datastream.catalog import SchemaSpec, Stream
from datastream.clock import Clock, SystemClock
from datastream.connections import ApiConfig, BufferConfig
from datastream.drift.columns import columns
from datastream.drift.finding import Drift, Finding
from datastream.drift.roles import roles
from datastream.drift.sample import Sample
from datastream.intake.api import api_intake
from datastream.lake.schemas import newest
from datastream.lake.store import Store
from datastream.quality import Suite

__all__ = ["Drift", "Finding", "drift"]


def drift(
    stream: Stream,
    suite: Suite,
    store: Store,
    config: ApiConfig,
    limit: int,
    clock: Clock | None = None,
    buffer: BufferConfig | None = None,
) -> Drift | None:
    """Return how the first records of a stream, `limit` or one page, differ from what is expected; None without any.

    What is agreed, and the rows of a parent, are read in `store`. Raises DeclaredOtherwise, where file and lake
    contradict each other, and what asking an API raises.
    """
    agreed, clock = newest(store, stream.name), clock or SystemClock()
    with api_intake(_patient(stream, limit), config, clock, buffer=buffer, store=store) as intake:
        window, claim = intake.label({}), intake.first(agreed.fields)
    if claim is None or not len(claim):
        return None
    sample = Sample.of(stream, suite, agreed.fields, claim)
    return Drift.of(stream.name, window, len(claim), [*columns(sample), *roles(sample)])


def _patient(stream: Stream, limit: int) -> Stream:
    """Return the stream with one small claim, which is taken whatever the types of its records are."""
    batch = stream.batch.model_copy(update={"size": limit, "per_commit": 1})
    spec = SchemaSpec(declared=stream.schema_spec.declared)
    return stream.model_copy(update={"batch": batch, "schema_spec": spec})
