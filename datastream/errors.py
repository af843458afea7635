"""Two families of error decide everything: Transient is retried, Permanent is not.

Every message is a sentence for the person who reads it: what happened, the value, the way out.
"""

from datetime import timedelta


class DatastreamError(Exception):
    """Anything this product raises on purpose."""


class Transient(DatastreamError):
    """The same call may succeed later; `retry_after` is what the other side asked for, if it did."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(DatastreamError):
    """The same call will fail again until somebody changes something; the message says what."""
