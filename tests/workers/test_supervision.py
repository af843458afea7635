"""Workers on a real server: as many as there is to do, replaced when they die, and ended without ending a run."""

import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from urllib.request import urlopen

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.stack.ports import reserved
from deployments.stack.waiting import wait_until
from deployments.workers.supervisor import SupervisorRuns, alone
from tests.events.proxy import proxied
from tests.workers.conftest import SOON, Server, Shop, Supervised

Begin = Callable[..., Supervised]
DONE = {"COMPLETED"}


def figures(port: int) -> dict[str, float]:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        lines = [line.rpartition(" ") for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name.replace('pool="quick"', ""): float(value) for name, _, value in lines}


def test_workers_grow_with_the_backlog_and_shrink_after_it_and_no_run_is_lost(server: Server, begun: Begin) -> None:
    with reserved(19_500) as port:
        shop = begun(1, 3, port)
        runs = [server.start(seconds=1) for _ in range(8)]
        assert wait_until(lambda: shop.has(3), SOON), shop.log.read_text()
        assert wait_until(lambda: server.states(*runs) == DONE, SOON), shop.log.read_text()
        assert wait_until(lambda: shop.has(1), SOON), shop.log.read_text()
        # Two could go while the last run was still under way, so the next look may be yet to come.
        assert wait_until(lambda: figures(port)["datastream_backlog{}"] == 0, SOON)
        found = figures(port)
    assert found["datastream_workers_wanted{}"] == 1
    assert found['datastream_worker_changes_total{change="begun",}'] >= 3
    assert shop.said("-> 3 workers: ")
    assert shop.said("-> 1 workers: ")
    shop.send(signal.SIGTERM)
    assert shop.end() == 0
    assert server.states(*runs) == DONE


def test_a_killed_worker_is_replaced_and_its_run_goes_on(server: Server, begun: Begin) -> None:
    shop = begun(1, 1)
    run = server.start(seconds=2)
    assert wait_until(lambda: server.state(run) == "RUNNING", SOON), shop.log.read_text()
    [killed] = shop.workers
    os.kill(killed, signal.SIGKILL)
    assert wait_until(lambda: shop.has(1) and shop.workers != [killed], SOON), shop.log.read_text()
    assert wait_until(lambda: server.state(run) == "COMPLETED", SOON)
    assert shop.said("-1 has ended by SIGKILL, and is replaced in 1 s.")


def test_asked_to_end_it_finishes_its_runs_and_takes_no_other(server: Server, begun: Begin) -> None:
    shop = begun(1, 1)
    run = server.start(seconds=3)
    assert wait_until(lambda: server.state(run) == "RUNNING", SOON), shop.log.read_text()
    later = server.start(seconds=0)
    shop.send(signal.SIGTERM)
    assert shop.end() == 0
    assert (server.state(run), server.state(later)) == ("COMPLETED", "SCHEDULED")


def test_asked_twice_it_ends_its_runs_which_are_marked(server: Server, begun: Begin) -> None:
    shop = begun(1, 1)
    run = server.start(seconds=300)
    assert wait_until(lambda: server.state(run) == "RUNNING", SOON), shop.log.read_text()
    shop.send(signal.SIGTERM)
    assert wait_until(lambda: shop.said("those under way are waited for"), SOON)
    shop.send(signal.SIGTERM)
    assert shop.end() == 1
    assert server.state(run) == "CRASHED"
    assert shop.said("cut off the runs that it had")


def test_workers_whose_supervisor_was_killed_finish_their_runs_and_end(server: Server, begun: Begin) -> None:
    shop = begun(2, 2)
    run = server.start(seconds=2)
    assert wait_until(lambda: server.state(run) == "RUNNING", SOON), shop.log.read_text()
    shop.send(signal.SIGKILL)
    assert wait_until(lambda: not shop.process.alive(), SOON)
    with temporary_settings({PREFECT_API_URL: server.url}), alone("quick", socket.gethostname()):
        assert shop.end() == -signal.SIGKILL
    assert server.state(run) == "COMPLETED"


def test_while_the_server_is_away_the_workers_stay_and_that_is_said(shop: Shop, begun: Begin, server: Server) -> None:
    with proxied(server.url) as proxy:
        shop.env["PREFECT_API_URL"] = f"http://127.0.0.1:{proxy.server_address[1]}/api"
        supervised = begun(2, 3)
        assert wait_until(lambda: supervised.log.read_text().count("started!") == 2, SOON), supervised.log.read_text()
        before = supervised.workers
        proxy.losing_answers = True
        assert wait_until(lambda: supervised.said("There stay 2 workers: The Prefect server at"), SOON)
        assert supervised.workers == before
        supervised.send(signal.SIGTERM)
        assert supervised.end() == 0


@pytest.mark.parametrize("planted", ["401 get_scheduled_flow_runs_for_work_pool", "503 read_deployment"])
def test_no_answer_of_the_server_ends_a_worker_that_has_a_run(
    shop: Shop, begun: Begin, server: Server, planted: str
) -> None:
    wrong = shop.folder / "planted"
    shop.env |= {"PLANTED": str(wrong), "LIMIT": "2"}
    supervised = begun(1, 1)
    run = server.start(seconds=4)
    assert wait_until(lambda: server.state(run) == "RUNNING", SOON), supervised.log.read_text()
    wrong.write_text(planted)
    later = server.start(seconds=0)
    assert wait_until(lambda: server.state(run) == "COMPLETED", SOON), supervised.log.read_text()
    wrong.unlink()
    assert wait_until(lambda: server.state(later) == "COMPLETED", SOON), supervised.log.read_text()
    assert not supervised.said("is replaced")


def test_a_run_whose_deployment_is_gone_does_not_keep_its_worker(shop: Shop, begun: Begin, server: Server) -> None:
    wrong = shop.folder / "planted"
    wrong.write_text("404 read_deployment")
    shop.env["PLANTED"] = str(wrong)
    supervised = begun(1, 1)
    gone = server.start(seconds=0)
    assert wait_until(lambda: server.state(gone) == "CANCELLED", SOON), supervised.log.read_text()
    wrong.unlink()
    run = server.start(seconds=0)
    assert wait_until(lambda: server.state(run) == "COMPLETED", SOON), supervised.log.read_text()


def test_who_asks_for_figures_byte_by_byte_holds_nothing_up(begun: Begin) -> None:
    with reserved(19_500) as port:
        shop = begun(1, 1, port)
        assert wait_until(lambda: shop.has(1), SOON), shop.log.read_text()
        with socket.create_connection(("127.0.0.1", port)) as slow:
            shop.send(signal.SIGTERM)
            assert wait_until(lambda: _sent(slow) and not shop.process.alive(), SOON), shop.log.read_text()
        assert shop.end() == 0


def _sent(slow: socket.socket) -> bool:
    with suppress(ConnectionError):
        slow.sendall(b"G")
    return True


def test_a_pool_has_one_supervisor_a_machine() -> None:
    with alone("quick", "here"):
        with pytest.raises(SupervisorRuns, match="on this machine already"), alone("quick", "here"):
            pass
        with alone("quick", "there"), alone("slow", "here"):
            pass


@pytest.mark.parametrize("said", [signal.SIGINT, signal.SIGHUP])
def test_what_a_terminal_says_to_all_of_its_processes_reaches_no_run(
    server: Server, begun: Begin, said: signal.Signals
) -> None:
    shop = begun(1, 1)
    run = server.start(seconds=2)
    assert wait_until(lambda: server.state(run) == "RUNNING", SOON), shop.log.read_text()
    os.killpg(shop.process.pid, said)
    assert shop.end() == 0
    assert server.state(run) == "COMPLETED"


@pytest.mark.full
@pytest.mark.timeout(900)
def test_real_flows_lose_nothing_while_workers_go_from_three_to_ten_and_back(
    server: Server, shop: Shop, begun: Begin
) -> None:
    shop.env["PREFECT_WORKER_QUERY_SECONDS"] = "2"  # as outside of tests: more often, ten of them keep SQLite busy
    flow = server.ask("/flows/", name="nap")["id"]
    made = server.ask(
        "/deployments/", name="real", flow_id=flow, work_pool_name="quick", entrypoint="tests.workers.flow.nap"
    )["id"]
    supervised = begun(3, 10)
    path = f"/deployments/{made}/create_flow_run"
    runs = [server.ask(path, state={"type": "SCHEDULED"})["id"] for _ in range(4)]
    runs += [server.start(seconds=3) for _ in range(24)]
    assert wait_until(lambda: supervised.has(10), SOON), supervised.log.read_text()
    assert wait_until(lambda: server.states(*runs) == DONE, SOON * 10), supervised.log.read_text()
    assert wait_until(lambda: supervised.has(3), SOON), supervised.log.read_text()
    supervised.send(signal.SIGTERM)
    assert supervised.end() == 0
    assert server.states(*runs) == DONE
