"""A loop in the middle of a transaction waits for no cursor that is garbage, whose connection waits for the loop."""

import os
from pathlib import Path

from tests.commands import run_code

DEADLOCK = """
import gc, os, sqlite3, threading, time
from datetime import timedelta
from deployments.stack.collecting import collect_apart

apart = os.environ["APART"] == "1"
if apart:
    collect_apart(timedelta(milliseconds=50))
file = os.environ["DATABASE"]
ours, theirs = (sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=4) for _ in range(2))
ours.execute("create table t (n)")
ours.execute("insert into t values (1), (2), (3)")

class Held: ...

held = Held()
held.itself, held.cursor = held, theirs.execute("select 1 union select 2")  # open, and of no table
held.cursor.fetchone()
ours.execute("begin immediate")
asking = threading.Event()
theirs.set_trace_callback(lambda _: asking.set())
waiting = threading.Thread(target=lambda: theirs.execute("insert into t values (4)"))
waiting.start()
asking.wait()
time.sleep(0.3)  # it asks for the lock next, and SQLite does not tell when it waits
began = time.monotonic()
del held
while time.monotonic() - began < 0.5:
    garbage = [[] for _ in range(10_000)]
    if not apart:
        gc.collect()  # as it would come to by itself
ours.execute("commit")
print(time.monotonic() - began > 2, flush=True)
os._exit(0)
"""


def test_a_loop_does_not_wait_for_whoever_waits_for_it(tmp_path: Path) -> None:
    for apart, waits in (("0", "True"), ("1", "False")):
        env = {**os.environ, "DATABASE": str(tmp_path / f"{apart}.db"), "APART": apart}
        assert run_code(DEADLOCK, env).stdout.strip() == waits
