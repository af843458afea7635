"""A run that is forked has the surroundings that a process would have which the worker starts."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm.machine import ROOT, Machine

PRINTED = """
import json, os, resource, sys, time
print(json.dumps({
    "env": dict(os.environ), "cwd": os.getcwd(), "path": sys.path[0], "umask": os.umask(0), "nice": os.nice(0),
    "files": resource.getrlimit(resource.RLIMIT_NOFILE), "zone": time.tzname[0],
    "open": sorted(os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if int(fd) > 2),
}))
"""


NARROW = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (%d, %d))
os.umask(0o027)
os.nice(3)
os.execv(sys.executable, [sys.executable, "-P", "-m", "deployments.warm"])
"""


def test_it_has_the_environment_of_its_client_and_nothing_else(machine: Machine) -> None:
    said = json.loads(machine.run(PRINTED, MINE="a b\nc=d", ODD="\udcff").stdout)
    assert said["env"] == {**machine.environment, "WORK": PRINTED, "MINE": "a b\nc=d", "ODD": "\udcff", **coerced(said)}


def coerced(said: dict[str, dict[str, str]]) -> dict[str, str]:
    """What Python itself adds in the C locale."""
    return {name: value for name, value in said["env"].items() if name == "LC_CTYPE"}


def test_it_is_in_its_clients_folder_and_imports_from_there(machine: Machine, tmp_path: Path) -> None:
    said = json.loads(machine.run(PRINTED, cwd=tmp_path).stdout)
    assert (said["cwd"], said["path"]) == (str(tmp_path), str(tmp_path))


def test_it_has_its_clients_limits_umask_niceness_and_zone(machine: Machine) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    narrow = NARROW % (soft - 1, hard)
    env = {**machine.environment, "WORK": PRINTED, "TZ": "Asia/Tokyo"}
    out = subprocess.run([sys.executable, "-c", narrow], env=env, stdout=subprocess.PIPE, check=True).stdout
    said = json.loads(out)
    assert (said["files"], said["umask"], said["nice"], said["zone"]) == (
        [soft - 1, hard],
        0o027,
        os.nice(0) + 3,
        "JST",
    )


def test_its_first_folder_for_imports_is_no_other_where_paths_are_safe(tmp_path: Path) -> None:
    with Machine(tmp_path).serving(PYTHONSAFEPATH="1") as machine:
        assert json.loads(machine.run(PRINTED, PYTHONSAFEPATH="1").stdout)["path"] == str(ROOT)


def test_signals_that_the_parent_ignores_end_it_as_they_end_others(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        machine = Machine(tmp_path)
        machine.start()
    finally:
        signal.signal(signal.SIGHUP, before)
    try:
        with machine.begin("import time; print('begun', flush=True); time.sleep(60)") as client:
            client.stdout.readline()
            client.send_signal(signal.SIGHUP)
            assert client.wait() == -signal.SIGHUP
    finally:
        machine.stop()


CONFINED = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
os.execv(sys.executable, [sys.executable, "-P", "-m", "deployments.warm"])
"""


def test_a_worker_that_may_do_less_than_the_parent_has_no_run_from_it(machine: Machine) -> None:
    env = {**machine.environment, "WORK": "print('warm')"}
    done = subprocess.run([sys.executable, "-c", CONFINED], env=env, capture_output=True, text=True, check=False)
    assert "warm\n" not in done.stdout
    assert "Started cold: no warm parent runs here" in done.stdout + done.stderr


def test_it_reads_and_writes_what_its_client_does(machine: Machine) -> None:
    done = machine.run("import sys; print(input()); print('wrong', file=sys.stderr)", given="a line\n")
    assert (done.stdout, done.stderr) == ("a line\n", "wrong\n")


def test_what_it_writes_is_seen_at_once_if_it_is_to_be_unbuffered(machine: Machine) -> None:
    with machine.begin("print('begun'); input()", PYTHONUNBUFFERED="1") as client:
        assert client.stdout.readline() == "begun\n"
        client.communicate("\n")


def test_it_has_no_descriptor_of_the_parent_or_of_another_run(machine: Machine) -> None:
    with machine.begin("print('begun', flush=True); input()") as other:
        other.stdout.readline()
        found = json.loads(machine.run(PRINTED).stdout)["open"]
        other.communicate("\n")
    kinds = [name.rpartition("/")[2].partition(":")[0] for name in found]
    kinds = [kind for kind in kinds if not kind.isdigit()]  # the listing itself
    assert sorted(kinds) == ["pipe", "socket"]  # its client's life, and where it tells its end


def test_chance_is_its_own(machine: Machine) -> None:
    work = "import random; print(random.random())"
    assert machine.run(work).stdout != machine.run(work).stdout


@pytest.mark.parametrize("name", ["PYTHONHASHSEED", "LD_LIBRARY_PATH", "PYTHONWARNINGS", "FSSPEC_S3_SECRET"])
def test_what_a_process_reads_only_when_it_starts_makes_a_run_start_cold(machine: Machine, name: str) -> None:
    done = machine.run("print('warm')", **{name: "0"})
    assert "warm" not in done.stdout
    assert f"Started cold: {name} is read when a process starts" in done.stdout + done.stderr


def test_no_variable_of_a_run_is_in_the_parents_memory(machine: Machine) -> None:
    canary = os.urandom(16).hex()
    done = machine.run("import os; print(os.environ['SECRET'][::-1])", SECRET=canary)
    assert done.stdout.strip() == canary[::-1]
    assert canary not in machine.run("import os; print(dict(os.environ))").stdout
    assert canary.encode() not in memory(machine.parent.pid)
    with machine.begin("print('begun', flush=True); input()", SECRET=canary) as client:
        client.stdout.readline()
        assert canary.encode() in memory(client.pid)  # so it would be found
        assert canary.encode() not in memory(machine.parent.pid)
        client.communicate("\n")


def test_no_setting_of_the_parents_caller_is_in_its_environment(tmp_path: Path) -> None:
    given = {"DATASTREAM_REDIS_URL": "redis://:secret@h", "PREFECT_API_KEY": "secret", "FSSPEC_S3_SECRET": "secret"}
    with Machine(tmp_path).serving(**given) as machine:
        assert b"secret" not in Path(f"/proc/{machine.parent.pid}/environ").read_bytes()
        assert b"redis://:secret@h" not in memory(machine.parent.pid)


def memory(pid: int) -> bytes:
    """Return all that a process may write to."""
    found = []
    with Path(f"/proc/{pid}/mem").open("rb") as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            bounds, rights, *_ = line.split()
            if rights.startswith("rw"):
                start, end = (int(bound, 16) for bound in bounds.split("-"))
                file.seek(start)
                found.append(file.read(end - start))
    return b"".join(found)
