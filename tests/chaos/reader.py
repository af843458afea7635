"""A reader beside the writers (R33): it opens every file there is, again and again, in a process of its own.

What it promises to find: a file that cannot be read at any moment, a file that changed, a file that went away, and a
count of rows that fell.
"""

import hashlib
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from datastream.connections import LakeConfig
from datastream.lake.lake import open_lake
from datastream.lake.store import Store
from tests.chaos import lakes
from tests.forks import forks

_PAUSE_SECONDS, _PAUSE_OF_S3_SECONDS = 0.1, 0.5
_AGAIN, _AGAIN_ON_S3 = 10, 2
"""So many files that were read before are read again in each scan."""
_SQL_EVERY = 15


@dataclass
class Seen:
    """What was read so far, and what was wrong with it."""

    scans: int = 0
    reads: int = 0
    rows: int = 0
    hashes: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def scan(self, store: Store, again: int) -> None:
        """Read what is new, and some of what was read before; of the rest only whether it is still there."""
        there = lakes.parquet_files(store)
        self.wrong += [f"{key} went away" for key in self.hashes.keys() - set(there)]
        known = random.sample(sorted(self.hashes), min(again, len(self.hashes)))
        for key in [*known, *(key for key in there if key not in self.hashes)]:
            self._read(store, key)
        self.scans += 1

    def count(self, pattern: str) -> None:
        """Count all rows with DuckDB through the glob, as any program would."""
        import duckdb

        try:
            [(rows,)] = duckdb.sql(f"select count(*) from read_parquet('{pattern}', union_by_name = true)").fetchall()
        except duckdb.Error as error:
            if self.hashes:
                self.unreadable.append(f"{pattern}: {error}")
            return
        if rows < self.rows:
            self.wrong.append(f"the rows fell from {self.rows} to {rows}")
        self.rows = rows

    def again(self, store: Store) -> None:
        """Read everything once more, and compare."""
        for key in list(self.hashes):
            self._read(store, key)

    def _read(self, store: Store, key: str) -> None:
        data = store.read(key)
        try:
            lakes.set_aside(data or b"") if key.startswith(lakes.QUARANTINE) else lakes.loaded(data or b"")
        except Exception as error:  # noqa: BLE001 - whatever it is, a reader could not read
            self.unreadable.append(f"{key}: {error}")
            return
        found = hashlib.sha256(data or b"").hexdigest()
        if self.hashes.setdefault(key, found) != found:
            self.wrong.append(f"{key} is not what it was")
        self.reads += 1


@contextmanager
def reading(lake: LakeConfig, folder: Path) -> Iterator[Path]:
    """Read a lake for as long as the block lasts, and yield where its findings will lie after that."""
    stop, findings = folder / "reader.stop", folder / "reader.json"
    process = forks().Process(target=_read_on, args=(lake, stop, findings))
    process.start()
    try:
        yield findings
    finally:
        stop.touch()
        process.join(60)
        process.kill()


def found(findings: Path) -> Seen:
    """Return what a reader found. One that has died has found nothing, which is an error."""
    return Seen(**json.loads(findings.read_text()))


def _read_on(lake: LakeConfig, stop: Path, findings: Path) -> None:
    store, seen, again = open_lake(lake), Seen(), _AGAIN if lake.folder else _AGAIN_ON_S3
    while not stop.exists():
        seen.scan(store, again)
        if lake.folder and seen.scans % _SQL_EVERY == 0:
            seen.count(f"{lake.folder}/{lakes.DATA}**/*.parquet")
        time.sleep(_PAUSE_SECONDS if lake.folder else _PAUSE_OF_S3_SECONDS)
    seen.scan(store, 0)
    seen.again(store)
    findings.write_text(json.dumps(asdict(seen)))
