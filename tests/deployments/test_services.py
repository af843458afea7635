"""The parts below the stack: processes that are never mistaken, ports, failed starts, the ledger, single servers."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
import urllib3

from datastream.clock import ManualClock, SystemClock
from deployments import stack
from deployments.stack import prefect_toml
from deployments.stack.home import Home
from deployments.stack.ledger import Ledger, LedgerUnreadable, Record, StackBusy
from deployments.stack.ports import reserved
from deployments.stack.process import Process, family, launch, stop
from deployments.stack.service import Absent, Service
from deployments.stack.starter import ServiceDied, ServiceLate, Starter, silent
from deployments.stack.valkey_server import valkey_service
from deployments.stack.waiting import wait_until

SLEEP = ("sleep", "300")


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen]:
    with subprocess.Popen(SLEEP, start_new_session=True) as process:
        yield process
        process.kill()


def service(folder: Path, name: str, *command: str, works: bool = True, **more: object) -> Service:
    return Service(
        name=name,
        title=name.title(),
        command=command,
        env={},
        folder=folder,
        log=folder / f"{name}.log",
        mark=f"{name}@{folder}",
        address="nowhere",
        port=None,
        works=lambda _process: works,
        **more,
    )


def start(*services: Service | Absent, known: dict[str, Record] | None = None) -> dict[str, Record]:
    return Starter(services, known or {}, lambda _records: None, silent, SystemClock()).run()


def test_a_recycled_pid_is_never_signalled(tmp_path: Path, stranger: subprocess.Popen) -> None:
    home = Home.of(tmp_path)
    home.folder.mkdir()
    recycled = Process(stranger.pid, "another-boot/1", home.mark("valkey"), datetime.now(UTC))
    Ledger(home.folder).write({"valkey": Record("valkey", recycled, 6379, "redis://127.0.0.1:6379/0", "")})
    assert not any(seen.running for seen in stack.status(tmp_path))
    assert stack.down(tmp_path) == []
    assert stranger.poll() is None


def test_what_a_service_started_in_a_session_of_its_own_ends_with_it(tmp_path: Path) -> None:
    command = ("sh", "-c", "setsid sleep 300 & sleep 300")
    process = launch(command, {"PATH": "/usr/bin:/bin"}, mark=f"x@{tmp_path}", folder=tmp_path, log=tmp_path / "x.log")
    whole_family = len(["sh", "its sleep", "the sleep in its own session"])
    assert wait_until(lambda: len(family(process)) == whole_family, timedelta(seconds=5))
    stop(process)
    assert family(process) == []


def test_a_process_that_ignores_the_request_to_end_is_made_to(tmp_path: Path) -> None:
    command = ("sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 300; done")
    log = tmp_path / "x.log"
    process = launch(command, {"PATH": "/usr/bin:/bin"}, mark=f"x@{tmp_path}", folder=tmp_path, log=log)
    assert wait_until(lambda: "deaf\n" in log.read_text().splitlines(keepends=True), timedelta(seconds=5))
    stop(process, grace=timedelta(milliseconds=200))
    assert not process.alive()


def test_a_process_that_drains_is_left_to_end_its_family_itself(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    child = "trap 'echo cut off; exit' TERM; echo born; sleep 1; echo done"
    command = ("sh", "-c", f'trap "" TERM; sh -c "{child}" & trap "wait; exit" TERM; wait; wait')
    process = launch(command, {"PATH": "/usr/bin:/bin"}, mark=f"x@{tmp_path}", folder=tmp_path, log=log)
    assert wait_until(lambda: "born" in log.read_text().splitlines(), timedelta(seconds=5))
    stop(process, drain=timedelta(seconds=20))
    assert log.read_text().splitlines()[-1] == "done"


def test_a_process_that_drains_for_too_long_is_stopped_with_its_family(tmp_path: Path) -> None:
    command = ("sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 300; done")
    log = tmp_path / "x.log"
    process = launch(command, {"PATH": "/usr/bin:/bin"}, mark=f"x@{tmp_path}", folder=tmp_path, log=log)
    assert wait_until(lambda: "deaf" in log.read_text().splitlines(), timedelta(seconds=5))
    stop(process, grace=timedelta(milliseconds=200), drain=timedelta(milliseconds=200))
    assert family(process) == []


def test_a_service_that_dies_at_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    dying = service(tmp_path, "doomed", sys.executable, "-c", "print('no luck'); raise SystemExit(3)", works=False)
    with pytest.raises(ServiceDied, match=r"(?s)Doomed ended .* exit code 3.*no luck.*doomed\.log"):
        start(dying)


def test_only_what_was_said_since_the_latest_start_counts_as_last_words(tmp_path: Path) -> None:
    for word in ("early", "late"):
        with pytest.raises(ServiceDied) as died:
            start(service(tmp_path, "doomed", "sh", "-c", f"echo {word}; exit 1", works=False))
    assert "late" in str(died.value)
    assert "early" not in str(died.value).replace("echo early", "")


def test_a_start_that_fails_stops_what_it_had_started(tmp_path: Path) -> None:
    with pytest.raises(ServiceDied):
        start(service(tmp_path, "fine", *SLEEP), service(tmp_path, "doomed", "false", works=False))
    assert family(Process.unknown(f"fine@{tmp_path}")) == []


def test_a_service_that_never_answers_is_told_and_stopped(tmp_path: Path) -> None:
    mute = service(tmp_path, "mute", *SLEEP, works=False, patience=timedelta(milliseconds=100))
    with pytest.raises(ServiceLate, match="Mute runs but was not ready"):
        start(mute)


def test_without_an_optional_service_that_dies_the_others_start_and_its_end_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    dying = service(
        tmp_path, "extra", "sh", "-c", "setsid sleep 300 & echo no luck; exit 3", works=False, optional=True
    )
    fine = service(tmp_path, "fine", *SLEEP)
    records = Starter(
        [dying, fine], {}, lambda _records: None, lambda line: said.append(str(line)), SystemClock()
    ).run()
    try:
        assert records["fine"].process.alive()
        assert records["extra"].absent == "Extra ended while it was starting, with exit code 3."
        assert any("Extra is left out" in line and "no luck" in line for line in said)
        assert family(Process.unknown(dying.mark)) == []
    finally:
        stop(records["fine"].process)


def test_a_service_that_the_stack_goes_without_from_now_on_is_stopped(tmp_path: Path) -> None:
    first = start(service(tmp_path, "one", *SLEEP))
    absent = Absent("one", "One", f"one@{tmp_path}", "It is not wanted.")
    second = start(absent, known=first)
    assert not first["one"].process.alive()
    assert second["one"].absent == "It is not wanted."


def test_a_service_whose_settings_changed_is_replaced(tmp_path: Path) -> None:
    first = start(service(tmp_path, "one", *SLEEP))
    second = start(service(tmp_path, "one", "sleep", "301"), known=first)
    try:
        assert not first["one"].process.alive()
        assert second["one"].process.alive()
    finally:
        stop(second["one"].process)


def test_without_its_record_a_valkey_is_replaced_and_not_joined_on_the_same_data(tmp_path: Path) -> None:
    with reserved(16_379) as port:
        server = valkey_service(tmp_path, tmp_path / "valkey.log", f"valkey@{tmp_path}", port)
        first = start(server)["valkey"].process
        second = start(server, known={})["valkey"].process
    try:
        assert not first.alive()
        assert second.alive()
    finally:
        stop(second)


def test_a_taken_port_leads_to_the_next_one() -> None:
    with reserved(20_000) as port, socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with reserved(port) as other:
            assert other > port


def test_two_stacks_that_start_at_once_do_not_choose_the_same_port() -> None:
    with reserved(20_000) as one, reserved(20_000) as other:
        assert one != other


def test_a_second_up_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    with ledger.locked(), pytest.raises(StackBusy, match=r"stack\.lock"), ledger.locked(within=timedelta()):
        pass


def test_a_broken_ledger_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{")
    with pytest.raises(LedgerUnreadable, match="cannot be read"):
        Ledger(tmp_path).read()


def test_a_prefect_toml_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "prefect.toml"
    own.write_text("[api]\nurl = 'https://mine'\n")
    assert not prefect_toml.claim(tmp_path, "http://127.0.0.1:4200")
    prefect_toml.release(tmp_path)
    assert "https://mine" in own.read_text()


def test_waiting_ends_at_the_deadline_of_the_clock_it_is_given() -> None:
    clock = ManualClock()
    assert not wait_until(lambda: False, timedelta(hours=1), clock)
    assert clock.monotonic() >= timedelta(hours=1).total_seconds()


def test_one_valkey_by_itself_keeps_its_data_for_the_next(tmp_path: Path) -> None:
    with stack.valkey(tmp_path) as url, redis.Redis.from_url(url) as client:
        client.set("kept", "yes")
    with stack.valkey(tmp_path) as url, redis.Redis.from_url(url, decode_responses=True) as client:
        assert client.get("kept") == "yes"
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"


@pytest.mark.full
def test_one_prefect_server_by_itself_answers(tmp_path: Path) -> None:
    with stack.prefect_server(tmp_path) as url:
        assert urllib3.request("GET", f"{url}/health").json() is True


def test_importing_the_stack_imports_nothing_heavy() -> None:
    heavy = "{'prefect', 'redis', 'pandas', 'pyarrow', 'uvicorn', 'http.client'}"
    code = f"import sys, deployments.stack; sys.exit(len({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
