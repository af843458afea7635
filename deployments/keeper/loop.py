"""Does each duty of the keeper when it is due. Who is away is told once, and once again when it is back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import redis

from datastream.clock import Clock
from datastream.errors import DatastreamError


@dataclass(slots=True)
class Duty:
    """Something to do every so often; it returns what there is to tell."""

    name: str
    every: timedelta
    do: Callable[[], list[str]]
    next_at: float = 0.0
    trouble: str = ""


@dataclass(slots=True)
class Keeper:
    """A few duties, done one after another by one thread, until it is stopped."""

    duties: tuple[Duty, ...]
    clock: Clock
    tell: Callable[[str], None]
    stopped: bool = field(default=False)

    def run(self) -> None:
        """Go on until `stopped` is set."""
        while not self.stopped:
            for duty in self.duties:
                if not self.stopped and self.clock.monotonic() >= duty.next_at:
                    self._do(duty)
            rest = min(duty.next_at for duty in self.duties) - self.clock.monotonic()
            if rest > 0 and not self.stopped:
                self.clock.sleep(timedelta(seconds=rest))

    def _do(self, duty: Duty) -> None:
        try:
            said, trouble = duty.do(), ""
        except (DatastreamError, redis.RedisError) as error:
            said, trouble = [], str(error) or type(error).__name__
        for line in said:
            self.tell(line)
        if trouble and not duty.trouble:
            self.tell(f"{duty.name} has to wait: {trouble}")
        if duty.trouble and not trouble:
            self.tell(f"{duty.name} goes on.")
        duty.trouble = trouble
        duty.next_at = self.clock.monotonic() + duty.every.total_seconds()
