"""Up, down and status of the local stack: Valkey, RabbitMQ, the Prefect server with its worker, gateway, demo API.

RabbitMQ is the one that a stack can do without: where there is none, or it does not come up, `up` says so. Each command
may be repeated freely; data stay in `.datastream` until somebody deletes them.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from datastream.clock import Clock, SystemClock
from deployments.stack import prefect_toml
from deployments.stack.home import Home
from deployments.stack.ledger import Ledger, Record
from deployments.stack.plan import PORTS, TITLES, named_broker, services, variables
from deployments.stack.ports import reserved
from deployments.stack.process import Process, family, stop
from deployments.stack.starter import Progress, Report, Starter, silent


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service as it is now; a service that does not run has no pid, address or start.

    One that the stack goes without has a reason for it.
    """

    name: str
    title: str
    running: bool
    pid: int | None
    address: str
    since: datetime | None
    log: Path
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that is up; with `plain_prefect` the plain `prefect` command finds it from the project folder.

    Where no broker is to be had, `rabbitmq_url` is None and `without_rabbitmq` says why.
    """

    project: Path
    prefect_url: str
    redis_url: str
    demo_url: str
    gateway_url: str
    plain_prefect: bool
    rabbitmq_url: str | None = field(repr=False)  # one that the environment names may hold a password
    without_rabbitmq: str | None

    @property
    def export(self) -> str:
        """The line to type where the plain `prefect` command does not find the stack."""
        return f"export PREFECT_API_URL={self.prefect_url}/api"


def up(project: Path | str, *, report: Report = silent, clock: Clock | None = None, scheduled: bool = True) -> Stack:
    """Have every service running and ready: what works is kept, what died is started again, or nothing is.

    Without `scheduled` the server plans no runs; schedules stay as they are, and the next `up` serves them.
    """
    home = Home.of(project)
    ledger = Ledger(home.folder)
    with ledger.locked(), ExitStack() as held:
        known = ledger.read()
        ports = {name: _port(known.get(name), preferred, held) for name, preferred in PORTS.items()}
        running = Starter(
            services(home, ports, scheduled=scheduled), known, ledger.write, report, clock or SystemClock()
        ).run()
        return _stack(home, running, plain=prefect_toml.claim(home.project, running["prefect"].address))


def down(project: Path | str, *, report: Report = silent) -> list[str]:
    """Stop every service and whatever it started; return the names of those that ran. Data are left where they are."""
    home = Home.of(project)
    ledger = Ledger(home.folder)
    if not home.folder.exists():
        return []
    with ledger.locked():
        records = ledger.read()
        stopped = [name for name in TITLES if _stop(home, name, records.pop(name, None), report)]
        ledger.write({})
        prefect_toml.release(home.project)
    return stopped


def status(project: Path | str) -> list[ServiceStatus]:
    """Tell of each service whether it runs and where. Nothing is started, asked or written."""
    home = Home.of(project)
    known = Ledger(home.folder).read()
    return [_status(home, name, known.get(name)) for name in reversed(list(TITLES))]


def environment(project: Path | str, stack: Stack) -> dict[str, str]:
    """Name the variables that a process needs to work with this stack."""
    return variables(
        Home.of(project),
        prefect=stack.prefect_url,
        valkey=stack.redis_url,
        demo=stack.demo_url,
        rabbitmq=stack.rabbitmq_url,
    )


def running_environment(project: Path | str) -> dict[str, str]:
    """Name the variables by which a process finds this stack while it runs; none when it is down."""
    home = Home.of(project)
    there = {name: record.address for name, record in Ledger(home.folder).read().items() if record.process.alive()}
    if not {"prefect", "valkey", "demo"} <= there.keys():
        return {}
    return variables(
        home,
        prefect=there["prefect"],
        valkey=there["valkey"],
        demo=there["demo"],
        rabbitmq=there.get("rabbitmq"),
    )


def _port(known: Record | None, preferred: int, held: ExitStack) -> int:
    if known is None or known.port is None:
        return held.enter_context(reserved(preferred))
    if known.process.alive():
        return known.port
    return held.enter_context(reserved(known.port))


def _stack(home: Home, running: Mapping[str, Record], *, plain: bool) -> Stack:
    names = ("prefect", "valkey", "demo", "gateway", "rabbitmq")
    prefect, valkey, demo, gateway, rabbitmq = (running[name].address for name in names)
    broker = named_broker() or rabbitmq or None
    absent = None if broker else running["rabbitmq"].absent
    return Stack(home.project, prefect, valkey, demo, gateway, plain, broker, absent)


def _stop(home: Home, name: str, known: Record | None, report: Report) -> bool:
    # Without a record, or after its process died, what it started may still be there: the mark finds it.
    process = known.process if known else Process.unknown(home.mark(name))
    ran = bool(family(process))
    if ran:
        stop(process)
        report(Progress(TITLES[name], "stopped"))
    return ran


def _status(home: Home, name: str, known: Record | None) -> ServiceStatus:
    if known is None or not known.process.alive():
        absent = known.absent if known else ""
        return ServiceStatus(name, TITLES[name], False, None, "", None, home.log(name), absent)
    process = known.process
    return ServiceStatus(name, TITLES[name], True, process.pid, known.address, process.started, home.log(name))
