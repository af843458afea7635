"""Brings services up side by side, each as soon as what it needs is ready, and tells what happens.

Either all of them are ready at the end, or what this start launched has been stopped again. An optional one that does
not come up is told and left out.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta

from datastream.clock import Clock
from datastream.errors import Permanent, Transient
from deployments.stack.ledger import Record
from deployments.stack.process import Process, family, stop
from deployments.stack.service import Absent, Service
from deployments.stack.waiting import wait_until

KEEP_PATIENCE = timedelta(seconds=10)  # a busy server may answer late, and replacing it costs as much


class ServiceDied(Permanent):
    """A service ended before it was ready."""

    def __init__(self, service: Service, code: int | None) -> None:
        code_text = "and its exit code is not known" if code is None else f"with exit code {code}"
        super().__init__(
            f"{service.title} ended while it was starting, {code_text}.\nIt said at last:\n{service.last_words()}\n"
            f"Put that right and start again; everything it said is in {service.log}."
        )


class ServiceLate(Transient):
    """A service lives and does not answer."""

    def __init__(self, service: Service) -> None:
        super().__init__(
            f"{service.title} runs but was not ready after {service.patience.total_seconds():.0f} s"
            f" ({service.address}).\nIt said at last:\n{service.last_words()}\n"
            f"Start again when the machine is less busy; everything it said is in {service.log}."
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that happened to a service; as text it is a line for the person who waits."""

    title: str
    event: str
    address: str = ""
    took: timedelta | None = None

    def __str__(self) -> str:
        took = f" in {self.took.total_seconds():.1f} s" if self.took is not None else ""
        return f"{self.title} {self.event}{took}" + (f" ({self.address})" if self.address else "")


Report = Callable[[Progress], None]


def silent(_progress: Progress) -> None:
    """Tell nobody."""


class Starter:
    """One attempt to have `services` running. `keep` is told after each launch which processes there are now."""

    def __init__(
        self,
        services: Sequence[Service | Absent],
        known: Mapping[str, Record],
        keep: Callable[[Mapping[str, Record]], None],
        report: Report,
        clock: Clock,
    ) -> None:
        self._waiting = [service for service in services if isinstance(service, Service)]
        self._absent = [service for service in services if isinstance(service, Absent)]
        self._starting: list[tuple[Service, float]] = []
        self._ready: set[str] = set()
        self._records = dict(known)
        self._launched: list[str] = []
        self._keep = keep
        self._report = report
        self._clock = clock

    def run(self) -> dict[str, Record]:
        """Return the records of the running services, or raise and leave behind only what ran before."""
        with ExitStack() as undo:
            undo.callback(self._stop_launched)
            wait_until(self._step, timedelta.max, self._clock)
            undo.pop_all()
        for absent in self._absent:
            self._leave_out(absent)
        return self._records

    def _step(self) -> bool:
        for service in [service for service in self._waiting if self._ready.issuperset(service.after)]:
            self._waiting.remove(service)
            self._begin(service)
        for service, began in list(self._starting):
            self._look_at(service, began)
        return not self._waiting and not self._starting

    def _begin(self, service: Service) -> None:
        if self._still_good(service):
            self._ready.add(service.name)
            self._report(Progress(service.title, "runs already", service.address))
            return
        process = service.start()
        self._records[service.name] = Record(service.name, process, service.port, service.address, service.fingerprint)
        self._launched.append(service.name)
        self._keep(self._records)
        self._starting.append((service, self._clock.monotonic()))
        self._report(Progress(service.title, "starting"))

    def _still_good(self, service: Service) -> bool:
        known = self._records.get(service.name)
        if known and not known.process.alive():
            return False  # its flow runs, if it had any, go on
        if known and known.fingerprint == service.fingerprint and self._answers(service, known.process):
            return True
        self._clear(known.process if known else Process.unknown(service.mark), service.drain)
        return False

    def _answers(self, service: Service, process: Process) -> bool:
        # It may have been killed a moment ago and still be on its way out.
        settled = wait_until(lambda: service.ready(process) or not process.alive(), KEEP_PATIENCE, self._clock)
        return settled and process.alive()

    def _clear(self, process: Process, drain: timedelta = timedelta()) -> None:
        # Two servers on one data folder would ruin it, so one that nobody wrote down has to go as well.
        if family(process):
            stop(process, drain=drain)

    def _look_at(self, service: Service, began: float) -> None:
        process = self._records[service.name].process
        took = timedelta(seconds=self._clock.monotonic() - began)
        if service.ready(process):
            self._starting.remove((service, began))
            self._ready.add(service.name)
            self._report(Progress(service.title, "ready", service.address, took))
        elif not process.alive():
            self._failed(service, began, ServiceDied(service, process.exit_code()))
        elif took > service.patience:
            self._failed(service, began, ServiceLate(service))

    def _failed(self, service: Service, began: float, error: ServiceDied | ServiceLate) -> None:
        if not service.optional:
            raise error
        self._starting.remove((service, began))
        self._launched.remove(service.name)
        self._leave_out(Absent(service.name, service.title, service.mark, str(error)))

    def _leave_out(self, absent: Absent) -> None:
        known = self._records.get(absent.name)
        nobody = Process.unknown(absent.mark)
        self._clear(known.process if known else nobody)
        self._records[absent.name] = Record(absent.name, nobody, None, "", "", absent.reason.partition("\n")[0])
        self._keep(self._records)
        self._report(Progress(absent.title, f"is left out: {absent.reason}"))

    def _stop_launched(self) -> None:
        for name in reversed(self._launched):
            stop(self._records.pop(name).process)
            self._keep(self._records)
