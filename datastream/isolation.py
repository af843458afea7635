"""Finds the records that kill whoever looks at them, or hold him for ever: no error tells of those.

A claim that was begun twice and never ended is first tried in a process of its own. It forks a child for all rows, and
where the child dies, for halves of them, down to single rows. So a worker dies of a record twice and never again.
"""

import logging
import multiprocessing
import os
import signal
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow as pa

from datastream.blame import to_blame
from datastream.catalog import Stream
from datastream.columns import hold
from datastream.errors import Permanent
from datastream.poison import applied
from datastream.quality import Suite, validate, warm
from datastream.transform import load_transform

logger = logging.getLogger(__name__)

_SLOW = "more than"
_WELL = 77
"""How a child ends that came to the end of its work. Code that ends its process may choose 0."""
_SIGNALS = {int(each): each.name for each in signal.Signals}


class ClaimKills(Permanent):
    """Transforming or checking a claim ends the process, and no few records are to blame."""


@dataclass(frozen=True, slots=True)
class IsolationPolicy:
    """After how many deaths a claim is tried apart, and how long its rows may take there."""

    deaths: int = 2
    begin: timedelta = timedelta(seconds=5)
    patience: timedelta = timedelta(seconds=60)
    """For one row, from which it is learned how long rows take."""
    row: timedelta = timedelta(milliseconds=2)

    def limit(self, rows: int, usual: timedelta) -> timedelta:
        """How long so many rows may take, where one that is well takes `usual`, with all that is done at first use.

        A slow transform is no fault: only a row that takes so long alone is.
        """
        return max(self.begin, 3 * usual) + rows * self.row


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be tried: the rows of a claim, and whose code looks at them."""

    table: pa.Table
    stream: Stream
    suite: Suite
    columns: dict[str, str]
    policy: IsolationPolicy = IsolationPolicy()

    def __str__(self) -> str:
        return f"{self.table.num_rows:,} records of {self.stream.name!r}"


def killers(work: Work) -> dict[int, str]:
    """Return the rows that kill or hold up a process, each with the rule by which it is set aside.

    Nothing of what is tried is kept: the caller does it again, without them. Raises ClaimKills.
    """
    logger.warning("%s were begun %d times and never ended: they are tried apart", work, work.policy.deaths)
    apart = multiprocessing.get_context("spawn")
    receiving, sending = apart.Pipe(duplex=False)
    process = apart.Process(target=_search, args=(sending, work), name="isolation")
    process.start()
    sending.close()
    found: dict[int, str] | None
    first: str | None
    try:
        with closing(receiving):
            found, first = receiving.recv()
    except EOFError as error:
        raise ClaimKills(
            f"{work} ended their worker {work.policy.deaths} times, and the process that was to find out why ended too "
            f'({process.exitcode}). A program that runs a stream has to be guarded by `if __name__ == "__main__"`. '
            "Nothing was committed, and the next run takes the same records."
        ) from error
    finally:
        process.kill()
        process.join()
    if found is None or (not found and first is not None and not first.startswith(_SLOW)):
        raise ClaimKills(
            f"{work} ended their worker {work.policy.deaths} times, and again in a process of its own ({first}); no "
            f"few of them are to blame. Mend the transform {work.stream.transform!r} or the suite {work.suite.name!r}, "
            "take smaller claims with batch.per_commit, or give the workers more memory. Nothing was committed, and "
            "the next run takes the same records."
        )
    logger.warning("%s: %d are set aside, because they do not let a process live", work, len(found))
    return found


def _search(answer: Connection, work: Work) -> None:
    """Send what is found, and how all rows together fared."""
    warm()  # and not the transform: a library that has threads by then, such as Polars, hangs in a child
    search = _Search(answer, work)
    usual = search.usual()
    rows = work.table.num_rows
    first = search.fate(0, rows, work.policy.limit(rows, usual))

    def fate(start: int, count: int) -> str | None:
        wrong = first if count == rows else search.fate(start, count, work.policy.limit(count, usual))
        return None if wrong is None else f"poison: {wrong}"

    answer.send((to_blame(rows, fate, least=1), first))


class _Search:
    """Tries rows in children, one after the other."""

    def __init__(self, answer: Connection, work: Work) -> None:
        self._answer, self._work = answer, work

    def usual(self) -> timedelta:
        """Return how long a single row takes that is well: the quicker of the first and the last."""
        took = []
        for row in (0, self._work.table.num_rows - 1):
            began = time.monotonic()
            if self.fate(row, 1, self._work.policy.patience) is None:
                took.append(timedelta(seconds=time.monotonic() - began))
        return min(took, default=timedelta())

    def fate(self, start: int, count: int, limit: timedelta) -> str | None:
        """Try some rows, and return how the child ended, if it did not end well."""
        if not multiprocessing.parent_process().is_alive():  # type: ignore[union-attr] # nobody waits any more
            os._exit(1)
        seconds = limit.total_seconds()
        child = multiprocessing.get_context("fork").Process(target=self._try, args=(start, count, seconds))
        child.start()
        child.join(seconds)
        slow = child.is_alive()
        if child.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)  # what it has started as well
        child.kill()
        child.join()
        code = child.exitcode
        child.close()
        if slow or code == -signal.SIGALRM:
            return f"{_SLOW} {seconds:g} s"
        if code == _WELL:
            return None
        return _SIGNALS.get(-code, f"signal {-code}") if code is not None and code < 0 else f"exit code {code}"

    def _try(self, start: int, count: int, seconds: float) -> None:
        """Do what a worker would do with the rows. An error is an answer: it is told where it is met again."""
        os.setsid()
        self._answer.close()  # else whoever waits for the answer would not see that this process' parent has died
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(seconds) + 2)  # where nobody is left to end a child that is held, the kernel does
        with suppress(OSError):  # where the kernel has to kill for want of memory, this is whom
            Path("/proc/self/oom_score_adj").write_text("1000")
        work = self._work
        with suppress(Exception):
            transform, _ = load_transform(work.stream.transform)
            table = applied(transform, work.stream.transform or "", work.table.slice(start, count)).table
            table, _ = hold(table, work.columns, work.stream)
            if table.num_rows:
                validate(table, work.suite)
        os._exit(_WELL)
