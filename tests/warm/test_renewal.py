"""A parent that is not fit to fork from is renewed, and meanwhile runs start cold and say why."""

import os
import signal
import site
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.stack.waiting import wait_until
from deployments.warm import version
from tests.warm.machine import SOON, Machine

TELLS = "import changing, os; print(changing.VALUE, os.getppid())"


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[Machine]:
    """A machine whose parent has loaded a module that a test may change."""
    folder = tmp_path / "changing"
    folder.mkdir()
    (folder / "changing.py").write_text("VALUE = 'old'\n")
    with Machine(tmp_path, path=str(folder)).serving() as machine:
        yield machine


def change(machine: Machine, text: str) -> None:
    (machine.folder / "changing" / "changing.py").write_text(text)


def renewed(machine: Machine, times: int = 2) -> str:
    """Wait until the parent is ready for so many times, and return what a run says then."""
    assert wait_until(lambda: machine.log.read_text().count("Ready") == times, SOON), machine.log.read_text()
    machine.await_door()
    return machine.run(TELLS).stdout


def test_no_run_has_the_old_code_once_it_has_changed(changing: Machine) -> None:
    assert changing.run(TELLS).stdout == f"old {changing.parent.pid}\n"
    change(changing, "VALUE = 'newer'\n")
    done = changing.run(TELLS)
    assert "old" not in done.stdout
    assert renewed(changing) == f"newer {changing.parent.pid}\n"
    assert "changing.py has changed" in changing.log.read_text()


def test_code_that_nobody_asks_for_is_loaded_too_when_it_changes(changing: Machine) -> None:
    change(changing, "VALUE = 'newer'\n")
    assert wait_until(lambda: changing.log.read_text().count("Ready") == 2, SOON)


def test_a_run_in_progress_keeps_its_code_and_its_signal_is_told(changing: Machine) -> None:
    with changing.begin("import changing, os, time; print(os.getpid(), flush=True); time.sleep(60)") as client:
        pid = int(client.stdout.readline())
        change(changing, "VALUE = 'newer'\n")
        assert renewed(changing).startswith("newer")
        os.kill(pid, signal.SIGUSR2)
        assert client.wait() == -signal.SIGUSR2


def test_code_that_cannot_be_loaded_is_named_and_waited_for(changing: Machine) -> None:
    change(changing, "VALUE = \n")
    assert wait_until(lambda: "cannot be loaded: SyntaxError" in changing.log.read_text(), SOON)
    done = changing.run(TELLS)
    assert "Started cold: no warm parent runs here" in done.stdout + done.stderr
    change(changing, "VALUE = 'mended'\n")
    assert renewed(changing).startswith("mended")


def test_a_library_that_starts_a_thread_when_it_is_imported_is_told(changing: Machine) -> None:
    change(changing, "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()\n")
    assert wait_until(lambda: "has 2 threads" in changing.log.read_text(), SOON)


LIMITED = """
import os
VALUE, fork = "limited", os.fork
def limited():
    if os.path.exists({full!r}):
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return fork()
os.fork = limited
"""


def test_a_parent_that_cannot_fork_says_so_and_goes_on(changing: Machine, tmp_path: Path) -> None:
    full = tmp_path / "full"
    change(changing, LIMITED.format(full=str(full)))
    assert renewed(changing).startswith("limited")
    full.touch()
    done = changing.run(TELLS)
    assert "Started cold: the warm parent cannot fork" in done.stdout + done.stderr
    full.unlink()
    assert changing.run(TELLS).stdout.startswith("limited")


def test_a_parent_that_is_interrupted_while_it_loads_just_ends(changing: Machine) -> None:
    loading = changing.folder / "loading"
    change(changing, f"import time; open({str(loading)!r}, 'w').close(); time.sleep(60)\n")
    assert wait_until(loading.exists, SOON)
    changing.stop(signal.SIGINT)
    assert "Traceback" not in changing.log.read_text()


def test_a_socket_that_was_tidied_away_is_made_again(own: Machine) -> None:
    own.door.unlink()
    assert wait_until(lambda: own.log.read_text().count("Ready") == 2, SOON)
    own.await_door()
    assert own.run("print('warm')").stdout == "warm\n"


def test_a_socket_whose_lock_was_tidied_away_is_replaced(own: Machine) -> None:
    own.stop(signal.SIGKILL)
    own.door.with_suffix(".lock").unlink()
    own.start()
    assert own.run("print('warm')").stdout == "warm\n"


def test_a_parent_whose_output_nobody_reads_goes_on(own: Machine) -> None:
    own.stop()
    with subprocess.Popen(own.parent.args, env=own.environment, stderr=subprocess.PIPE) as own.parent:
        assert b"Ready" in own.parent.stderr.readline()
        own.parent.stderr.close()
        own.stop()
    assert own.parent.returncode == 0


def test_what_packages_are_installed_is_among_what_is_looked_at() -> None:
    assert set(site.getsitepackages()) <= version.loaded().keys()


def test_another_user_is_kept_out_and_refused(own: Machine) -> None:
    folder, door = own.door.parent, own.door
    assert (folder.stat().st_mode & 0o777, door.stat().st_mode & 0o777) == (0o700, 0o700)
    if os.geteuid() == 0:  # who else could be another user
        assert refused(folder, door) == "b''\n"
        assert "belongs to user 65534" in own.log.read_text()


def refused(folder: Path, door: Path) -> str:
    """Return what another user is answered for whom all doors have been opened."""
    asks = "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])"
    folder.chmod(0o711)
    door.chmod(0o777)
    try:
        command = [sys.executable, "-c", f"{asks}; print(s.recv(9))", str(door)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        folder.chmod(0o700)


def test_a_folder_that_others_may_write_to_is_not_used(own: Machine) -> None:
    own.stop()
    own.door.parent.chmod(0o777)
    try:
        done = subprocess.run(own.parent.args, env=own.environment, capture_output=True, text=True, check=False)
    finally:
        own.door.parent.chmod(0o700)
    assert done.returncode == 1
    assert "is not a folder of this user alone" in done.stderr
