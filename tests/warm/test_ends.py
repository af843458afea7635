"""A client ends as its run does, and whatever ends one of them, nothing of the run is left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.stack.waiting import wait_until
from tests.warm.machine import SOON, Machine, children, gone, runs

BEGUN = "import os, signal, sys, time; print(os.getpid(), flush=True); "
WAITS = BEGUN + "time.sleep(60)"


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ("pass", 0),
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit('a sentence')", 1),
        ("raise ValueError('wrong')", 1),
        ("import os; os._exit(9)", 9),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import os; os.abort()", -signal.SIGABRT),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("import os; os.closerange(3, 99)", 0),
        ("import os, sys; pid = os.fork(); pid or sys.exit(7); os.waitpid(pid, 0); sys.exit(3)", 3),
    ],
)
def test_it_ends_with_the_runs_code_or_by_its_signal(machine: Machine, work: str, code: int) -> None:
    assert machine.run(work).returncode == code


ERROR = """
import atexit, threading
atexit.register(print, "at exit")
threading.Timer(0.1, print, ["thread"]).start()
1 / 0
"""


def test_an_error_is_shown_and_what_was_to_be_done_at_exit_is_done(machine: Machine) -> None:
    done = machine.run(ERROR)
    assert done.stdout == "thread\nat exit\n"
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_to_the_client_is_one_to_the_run(machine: Machine, number: signal.Signals) -> None:
    handled = f"signal.signal({int(number)}, lambda n, _: sys.exit(40 + n)); print('ready', flush=True); time.sleep(60)"
    with machine.begin(BEGUN + handled) as client:
        client.stdout.readline()
        assert client.stdout.readline() == "ready\n"
        client.send_signal(number)
        assert client.wait() == 40 + number


def test_a_run_that_dies_of_the_signal_ends_its_client_by_it(machine: Machine) -> None:
    with machine.begin(WAITS) as client:
        client.stdout.readline()
        client.terminate()
        assert client.wait() == -signal.SIGTERM


def test_what_a_run_has_started_is_terminated_with_it(machine: Machine) -> None:
    work = BEGUN + "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    with machine.begin(work) as client:
        pids = [int(client.stdout.readline()) for _ in range(2)]
        client.terminate()
        assert client.wait() == -signal.SIGTERM
    assert all(gone(pid) for pid in pids)


def test_what_is_left_in_open_files_is_written(machine: Machine, tmp_path: Path) -> None:
    machine.run(f"import sys; sys.kept = open({str(tmp_path / 'kept')!r}, 'w'); sys.kept.write('written')")
    assert (tmp_path / "kept").read_text() == "written"


FEW_FILES = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
os.execv(sys.executable, [sys.executable, "-P", "-m", "deployments.warm"])
"""


def test_a_run_that_cannot_be_watched_is_not_begun_again(machine: Machine) -> None:
    env = {**machine.environment, "WORK": "pass"}
    done = subprocess.run([sys.executable, "-c", FEW_FILES], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("datastream: The limit of open files is too low")


def test_a_killed_client_takes_the_run_and_what_it_started_along(machine: Machine) -> None:
    work = BEGUN + "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    with machine.begin(work) as client:
        pids = [int(client.stdout.readline()) for _ in range(2)]
        client.kill()
    assert all(gone(pid) for pid in pids)


def test_what_a_run_leaves_running_lives_on(machine: Machine) -> None:
    work = "import subprocess; n = subprocess.DEVNULL; print(subprocess.Popen(['sleep', '60'], stdout=n, stderr=n).pid)"
    pid = int(machine.run(work).stdout)
    assert runs(pid)
    os.kill(pid, signal.SIGKILL)


def test_twenty_runs_at_once_end_each_with_its_own_code(machine: Machine) -> None:
    work = "import os, sys; print(os.environ['N']); sys.exit(int(os.environ['N']))"
    clients = [machine.begin(work, N=str(n)) for n in range(20)]
    assert [(client.communicate()[0], client.returncode) for client in clients] == [(f"{n}\n", n) for n in range(20)]


def test_no_zombie_is_left(machine: Machine) -> None:
    for work in ("pass", "import os; os.abort()"):
        machine.run(work)
    assert wait_until(lambda: not children(machine.parent.pid), SOON)


def test_a_run_goes_on_without_its_parent_and_tells_its_code_itself(own: Machine) -> None:
    with own.begin(BEGUN + "input(); sys.exit(5)") as client:
        client.stdout.readline()
        own.stop(signal.SIGKILL)
        client.communicate("\n")
    assert client.returncode == 5


def test_a_run_without_a_parent_dies_with_its_client(own: Machine) -> None:
    with own.begin(WAITS) as client:
        pid = int(client.stdout.readline())
        own.stop(signal.SIGKILL)
        client.kill()
    assert gone(pid)


def test_a_run_that_is_killed_after_its_parent_counts_as_killed_and_it_is_said(own: Machine) -> None:
    with own.begin(WAITS) as client:
        pid = int(client.stdout.readline())
        own.stop(signal.SIGKILL)
        os.kill(pid, signal.SIGTERM)
        _, said = client.communicate()
    assert client.returncode == -signal.SIGKILL
    assert "killed after its warm parent" in said


def test_a_parent_that_is_told_to_stop_leaves_its_runs_and_no_file(own: Machine) -> None:
    with own.begin(BEGUN + "input()") as client:
        client.stdout.readline()
        own.stop()
        assert not list(own.door.parent.glob(f"{own.door.stem}.*"))
        client.communicate("\n")
    assert client.returncode == 0
    assert own.parent.returncode == 0


def test_what_a_killed_parent_left_is_removed_by_the_next_of_any_project(own: Machine, tmp_path: Path) -> None:
    own.stop(signal.SIGKILL)
    assert own.door.exists()
    (tmp_path / "other").mkdir()
    with Machine(tmp_path / "other").serving():
        assert not list(own.door.parent.glob(f"{own.door.stem}.*"))


def test_a_second_parent_says_that_there_is_one(own: Machine) -> None:
    first = own.parent
    command = [sys.executable, "-m", "deployments.cli", "warm"]
    again = subprocess.run(command, env=own.environment, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert f"runs already (process {first.pid})" in again.stderr
    assert own.run("print('warm')").stdout == "warm\n"
