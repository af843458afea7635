"""Something to call that fails as it is told to."""

from threading import Lock

from datastream.errors import Transient


class Flaky:
    """Fails with each of `errors` in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls, self._lock = list(errors), 0, Lock()

    def __call__(self) -> str:
        with self._lock:
            self.calls += 1
            error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        return "answer"


def failing(times: int = 1000) -> Flaky:
    return Flaky(*(Transient(f"fault {n}") for n in range(1, times + 1)))
