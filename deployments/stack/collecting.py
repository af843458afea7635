"""Collects garbage in a thread of its own, for a server on SQLite whose event loop must wait for no lock of it.

Python collects wherever it just is. In Prefect's server that may be the event loop in the middle of a transaction, and
what is collected a cursor (of a question that failed, say) whose connection a thread is using, which waits for that
very transaction. To let go of the cursor the loop waits for the thread, and both for each other, until SQLite gives up
after its `busy_timeout`: with ten workers and 24 streams the server answered nobody for a minute, again and again. Here
a thread waits instead, the transaction ends, and so does the waiting.
"""

import gc
import threading
import time
from datetime import timedelta

YOUNG_EVERY = timedelta(seconds=1)
_OLD_EVERY = 60


def collect_apart(every: timedelta = YOUNG_EVERY) -> None:
    """Collect in a thread from now on, and nowhere else: young objects so often, all of them each sixtieth time."""
    gc.disable()
    threading.Thread(target=_collect, args=(every,), name="garbage", daemon=True).start()


def _collect(every: timedelta) -> None:
    times = 0
    while True:
        time.sleep(every.total_seconds())
        times += 1
        gc.collect(1 if times % _OLD_EVERY else 2)
