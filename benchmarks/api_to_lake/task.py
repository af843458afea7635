"""What both candidates are asked to load, and what must have arrived."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datastream.errors import Permanent

STREAM = "flights"
SHIPPED_SINCE = "2013-01-01T00:00:00Z"


class StreamFileStrange(Permanent):
    """The shipped stream does not begin where this benchmark thinks it does."""


@dataclass(frozen=True, slots=True)
class Task:
    """The flights from `since` on: so many rows, of which so many have no departure time and fail the suite."""

    since: str
    rows: int
    bad_rows: int

    @property
    def good_rows(self) -> int:
        """Count the rows that pass the suite."""
        return self.rows - self.bad_rows

    def to_dict(self) -> dict[str, Any]:
        """Return the task as JSON-able values."""
        return asdict(self)


FULL = Task(since=SHIPPED_SINCE, rows=336_776, bad_rows=8_255)
QUICK = Task(since="2013-09-15T00:00:00Z", rows=99_243, bad_rows=1_592)  # 100 pages


def make_project(shipped: Path, folder: Path, task: Task) -> None:
    """Make a project of the shipped stream and suite, as they are but for where the stream begins."""
    for name in (f"streams/{STREAM}.yaml", f"expectations/{STREAM}.json"):
        text = (shipped / name).read_text()
        if name.endswith(".yaml"):
            text = _from(text, task.since)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def _from(text: str, since: str) -> str:
    wanted = f"initial: {SHIPPED_SINCE}"
    if text.count(wanted) != 1:
        raise StreamFileStrange(
            f"streams/{STREAM}.yaml does not say {wanted!r} once. This benchmark counts the flights from then on: "
            "correct SHIPPED_SINCE and the numbers of rows in benchmarks/api_to_lake/task.py."
        )
    return text.replace(wanted, f"initial: {since}")
