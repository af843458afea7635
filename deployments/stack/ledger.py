"""`stack.json`: which processes are the stack's, for the next command to find; and the lock that lets one change it.

The file is replaced whole, after every start and before any wait, so that a killed `up` leaves nothing unknown.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from datastream.errors import Permanent, Transient
from deployments.stack.process import Process
from deployments.stack.waiting import wait_until


class LedgerUnreadable(Permanent):
    """stack.json is not what was written."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file} cannot be read. Move it away and stop what it named by hand (its pids are in it).")


class StackBusy(Transient):
    """Another command is changing the stack."""

    def __init__(self, lock: Path, within: timedelta) -> None:
        super().__init__(
            f"Another 'up' or 'down' has held {lock} for {within.total_seconds():.0f} s. Wait for it, or end it."
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One service as it was started; one that the stack goes without has a reason instead of a process."""

    name: str
    process: Process
    port: int | None
    address: str
    fingerprint: str
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The records of one stack, by service name."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "stack.json"

    def read(self) -> dict[str, Record]:
        """Return what was started and not stopped; nothing when the stack is down."""
        try:
            return {name: _record(name, said) for name, said in json.loads(self.file.read_text()).items()}
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError, AttributeError):
            raise LedgerUnreadable(self.file) from None

    def write(self, records: Mapping[str, Record]) -> None:
        """Replace the file in one step; without records there is none."""
        if not records:
            self.file.unlink(missing_ok=True)
            return
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps({name: _said(record) for name, record in records.items()}, indent=2) + "\n")
        new.replace(self.file)

    @contextmanager
    def locked(self, within: timedelta = timedelta(minutes=3)) -> Iterator[None]:
        """Keep every other change out; the lock ends with this process, however it ends."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self.folder / "stack.lock"
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not wait_until(lambda: _taken(descriptor), within):
                raise StackBusy(lock, within)
            yield
        finally:
            os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _said(record: Record) -> dict[str, object]:
    process = record.process
    return {
        "pid": process.pid,
        "born": process.born,
        "mark": process.mark,
        "started": process.started.isoformat(),
        "port": record.port,
        "address": record.address,
        "fingerprint": record.fingerprint,
        "absent": record.absent,
    }


def _record(name: str, said: Mapping[str, str | int | None]) -> Record:
    started = datetime.fromisoformat(str(said["started"]))
    process = Process(int(str(said["pid"])), str(said["born"]), str(said["mark"]), started)
    port = None if said["port"] is None else int(str(said["port"]))
    return Record(name, process, port, str(said["address"]), str(said["fingerprint"]), str(said.get("absent", "")))
