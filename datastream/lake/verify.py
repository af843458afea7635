"""Recounts the lake: every Parquet file against the log, and the log's accounts against themselves."""

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any

from datastream.lake import layout, reader
from datastream.lake.log import Log
from datastream.lake.manifest import DataFile, Manifest
from datastream.lake.parquet import NOT_PARQUET, record_ids
from datastream.lake.plan import Plan
from datastream.lake.store import Store
from datastream.records import Accounts


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found. `problems` are sentences; `ok` means that there are none."""

    stream: str
    commits: int
    read: int
    loaded: int
    quarantined: int
    duplicates: int
    files: int
    bytes: int
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Tell whether the lake is what its log says."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the verification as JSON-able values."""
        return {**asdict(self), "ok": self.ok}


def verify(store: Store, stream: str) -> Verification:
    """Open every file of a stream, count its rows and ids anew, and compare with the log.

    It may run beside a writer: what is being written is announced by a plan, and no stranger.
    """
    there, plans = _parquet_files(store, stream), _plans(store, stream)  # files, plans, commits: in this order they
    commits = list(reader.commits(store, stream))  # come to be, so that none is missed in between
    accounts = sum((commit.header.accounts for commit in commits), Accounts())
    found = _Recount(store)
    files = [file for commit in commits for file in commit.files]
    set_aside = [commit.quarantine for commit in commits if commit.quarantine]
    loaded, quarantined = found.rows(files), found.rows(set_aside)
    strangers = sorted(there - {file.key for file in [*files, *set_aside]} - _announced(plans, commits))
    problems = [p for commit in commits for p in _unbalanced(commit)] + found.problems + _gaps(commits)
    problems += [f"{key} lies among the data and belongs to no commit." for key in strangers]
    if (loaded, quarantined) != (accounts.loaded, accounts.quarantined):
        problems.append(
            f"The files hold {loaded:,} loaded and {quarantined:,} quarantined rows; "
            f"the log says {accounts.loaded:,} and {accounts.quarantined:,}."
        )
    return Verification(
        stream=stream, commits=len(commits), read=accounts.read, loaded=loaded, quarantined=quarantined,
        duplicates=accounts.duplicates, files=len(files), bytes=sum(file.bytes for file in files), problems=problems,
    )  # fmt: skip


class _Recount:
    """Counts rows file by file, and finds a record that stands twice."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids: set[str] = set()
        self.problems: list[str] = []

    def rows(self, files: list[DataFile]) -> int:
        return sum(self._count(file) for file in files)

    def _count(self, file: DataFile) -> int:
        data = self._store.read(file.key)
        if data is None:
            self.problems.append(f"{file.key} is named by the log and is missing.")
            return 0
        if hashlib.sha256(data).hexdigest() != file.sha256:
            self.problems.append(f"{file.key} is not the file that was committed: its sha256 differs.")
        try:
            ids = record_ids(data).to_pylist()
        except NOT_PARQUET as error:
            self.problems.append(f"{file.key} cannot be read as Parquet: {error}")
            return 0
        if len(ids) != file.rows:
            self.problems.append(f"{file.key} has {len(ids):,} rows; the log says {file.rows:,}.")
        twice = len(ids) - len(set(ids) - self._ids)
        if twice:
            self.problems.append(f"{file.key} holds {twice:,} records that stand elsewhere too.")
        self._ids.update(ids)
        return len(ids)


def _unbalanced(commit: Manifest) -> list[str]:
    header = commit.header
    if header.accounts.balanced:
        return []
    name = layout.commit_name(header.lane, header.seq)
    return [f"Commit {name} read {header.accounts.read:,} rows and accounts for another number: {header.accounts}."]


def _gaps(commits: list[Manifest]) -> list[str]:
    problems: list[str] = []
    expected: dict[str, int] = {}
    for header in (commit.header for commit in commits):
        if header.seq != expected.get(header.lane, 1):
            problems.append(f"Lane {header.lane} has no commit {expected.get(header.lane, 1)}: the log has a gap.")
        expected[header.lane] = header.seq + 1
    return problems


def _parquet_files(store: Store, stream: str) -> set[str]:
    """Return every Parquet file that a plain reader of data or quarantine sees."""
    folders = (layout.data_folder(stream), layout.quarantine_folder(stream))
    return {key for folder in folders for key in store.keys(folder) if key.lower().endswith(".parquet")}


def _plans(store: Store, stream: str) -> list[Plan]:
    keys = list(store.keys(layout.plans_of(stream)))
    found = (Log(store, stream, key.split("/")[2]).plan(seq) for key in keys for seq in layout.sequences([key], "plan"))
    return [plan for plan in found if plan is not None]


def _announced(plans: list[Plan], commits: list[Manifest]) -> set[str]:
    """Return the files that are about to be written; a plan that is left over from before a commit announces none."""
    newest = {commit.header.lane: commit.header.seq for commit in commits}
    open_ = [plan for plan in plans if plan.header.seq > newest.get(plan.header.lane, 0)]
    return {file.key for plan in open_ for file in [*plan.files, *([plan.quarantine] if plan.quarantine else [])]}
