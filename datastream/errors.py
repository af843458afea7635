"""Two families of error decide everything: Transient is retried, Permanent is not.

Every message is a sentence for the person who reads it: what happened, the value, the way out.
"""

from datetime import timedelta


class DatastreamError(Exception):
    """Anything this product raises on purpose."""


class Transient(DatastreamError):
    """The same call may succeed later; `retry_after` is what the other side asked for, if it did.

    `given_up` says from the start that trying again at once is no use, and that nobody's health is to blame.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None, given_up: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self._given_up = given_up

    @property
    def given_up(self) -> bool:
        """Tell whether somebody has tried as often as he may, this error or the one that caused it."""
        cause = self.__cause__
        return self._given_up or (isinstance(cause, Transient) and cause.given_up)

    def give_up(self) -> None:
        """Let nobody further out try again: however calls nest, retries do not multiply."""
        self._given_up = True


class Permanent(DatastreamError):
    """The same call will fail again until somebody changes something; the message says what."""
