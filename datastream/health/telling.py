"""What a commit of `_quality` has to tell: that incidents of a stream were opened or closed, and nothing of all else.

Like any commit's it is a function of the manifest, so it is told in the same words and under the same ids, however
often. Other streams are told commit by commit; who waits for rows would be woken up by these for nothing.
"""

import msgspec

from datastream.events.event import Event
from datastream.health.state import State
from datastream.lake import layout
from datastream.lake.manifest import Manifest
from datastream.quality.incidents import Change


def incident_events(manifest: Manifest) -> list[Event]:
    """Return the events `incident-opened` and `incident-closed` of a commit. None holds a value of a row."""
    changes = State.changes_of(manifest.header.offsets)
    return [_event(manifest, n, change) for n, change in enumerate(changes, 1)]


def _event(manifest: Manifest, n: int, change: Change) -> Event:
    header, incident = manifest.header, change.incident
    return Event.about(
        header.lane,
        f"incident-{change.what}",
        id=f"{layout.QUALITY}/{header.lane}/{header.seq}/{n}",
        subject=incident.id,
        time=header.decided_at,
        data={
            "stream": header.lane,
            "run": header.run,
            **msgspec.to_builtins(msgspec.structs.replace(incident, met=0)),
        },
    )
