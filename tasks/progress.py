"""The progress of a run as an artifact, shown at most once a second, and only while the server answers soon."""

from datetime import timedelta
from uuid import UUID

from prefect.artifacts import create_progress_artifact
from prefect.client.schemas.actions import ArtifactUpdate

from datastream.clock import Clock
from tasks.showing import Showing

_SHOWN_EVERY = timedelta(seconds=1)


class Progress:
    """How far a run is, in percent and in words."""

    def __init__(self, key: str, said: str, clock: Clock, showing: Showing) -> None:
        self._clock, self._next, self._showing = clock, 0.0, showing
        self._artifact = showing(lambda: create_progress_artifact(0.0, key=key, description=said))

    def show(self, percent: float, said: str) -> None:
        """Show how far the run is, unless it was shown just now."""
        now = self._clock.monotonic()
        if now >= self._next:
            self._update(percent, said)
            self._next = now + _SHOWN_EVERY.total_seconds()

    def done(self, said: str) -> None:
        """Show that nothing is left."""
        self._update(100.0, said)

    def _update(self, percent: float, said: str) -> None:
        artifact = self._artifact
        if isinstance(artifact, UUID):
            update = ArtifactUpdate(data=percent, description=said)
            self._showing.briefly(lambda client: client.update_artifact(artifact, update))


def artifact_key(stream: str, what: str) -> str:
    """Return the key under which something of a stream is shown; Prefect allows no underscore in it."""
    return f"{stream}-{what}".replace("_", "-")
