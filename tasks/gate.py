"""A run's verdict as a Prefect event, for automations: they match its labels, and never what it holds."""

from collections.abc import Mapping
from typing import Any, Literal

from prefect.events import emit_event

from datastream.catalog import Stream
from datastream.lake.manifest import Header

EVENT = "datastream.verdict"
ROWS_OF = "datastream://lake/"
"""What the keys of a stream's rows begin with, as an asset and as the resource of its events."""
Word = Literal["met", "warned", "failed", "held"]
_WORDS: tuple[Word, ...] = ("met", "warned", "failed", "held")
_OF_ACTION: Mapping[str, Word] = {"warn": "warned", "quarantine": "failed", "hold": "held"}


def verdict_of(stream: Stream, header: Header) -> Word:
    """Return what the suite said of a commit, in a word."""
    return worst("met", *(_OF_ACTION[stream.action(rule.severity)] for rule in header.rules if not rule.success))


def worst(*words: Word) -> Word:
    """Return the worst of some verdicts."""
    return max(words, key=_WORDS.index)


def tell_verdict(stream: str, verdict: Word, payload: Mapping[str, Any]) -> None:
    """Emit the event `datastream.verdict` of a stream's rows, with the verdict as its label `datastream.verdict`.

    The run, its flow and its deployment are the event's related resources.
    """
    resource = {"prefect.resource.id": f"{ROWS_OF}{stream}", "prefect.resource.name": stream, EVENT: verdict}
    emit_event(event=EVENT, resource=resource, payload=dict(payload))
