"""Recounts the lake: every Parquet file that counts against the logs, and the logs' accounts against themselves."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from datastream.lake import layout
from datastream.lake.live import Live, live
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest
from datastream.lake.plan import Plan
from datastream.lake.recount import Recount, name
from datastream.lake.returned import replayed_ids
from datastream.lake.rewrite import Held, rewrites
from datastream.lake.store import Store
from datastream.lake.strangers import among_folders, sorted_out


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
    strangers: list[str] = field(default_factory=list)
    """What lies there and is not ours. It is left alone, and is no problem."""

    @property
    def ok(self) -> bool:
        """Tell whether the lake is what its log says."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the verification as JSON-able values."""
        return {**asdict(self), "ok": self.ok}


def verify(store: Store, stream: str, *, rows: bool = True) -> Verification:
    """Open every file of a stream, count its rows and ids anew, and compare with the log.

    It may run beside a writer and beside maintenance: what is being written is announced by a plan, and what was
    replaced waits for its deletion. Without `rows` no file is opened: only what is there is compared with the log.
    """
    found, seen = _verify(store, stream, rows=rows)
    if found.ok or len(rewrites(store, stream)) == len(seen.rewrites):
        return found
    return _verify(store, stream, rows=rows)[0]  # a file that was missing may have been forgotten meanwhile


def _verify(store: Store, stream: str, *, rows: bool) -> tuple[Verification, Live]:
    there, plans = _there(store, stream), _plans(store, stream)  # files, plans, commits: in this order they come to
    now = live(store, stream)  # be, so that none is missed in between
    accounts, gone, found = now.accounts, now.gone, Recount(store)
    others = [[held for held in now.others if layout.is_quarantine(held.key) is aside] for aside in (False, True)]
    if rows:
        counted = found.rows(now.data), found.rows(now.quarantine)
        found.problems += found.doubles(replayed_ids(store, now))  # what stands in another snapshot too is none
        loaded, quarantined = (rows + found.rows(more) for rows, more in zip(counted, others, strict=True))
    else:
        counted = (_rows(now.data), _rows(now.quarantine))
        loaded, quarantined = (rows + _rows(more) for rows, more in zip(counted, others, strict=True))
        found.problems += _missing(there, store, now)
    homeless, strangers = sorted_out(there, now, _announced(plans, now.commits))
    problems = [p for commit in now.commits for p in _unbalanced(commit)] + found.problems + _gaps(now)
    problems += [f"{key} lies among the data and belongs to no commit." for key in homeless]
    if (loaded + gone.data, quarantined + gone.quarantined) != (accounts.landed, accounts.quarantined):
        problems.append(
            f"The files hold {loaded:,} loaded and {quarantined:,} quarantined rows, and {gone.data:,} and "
            f"{gone.quarantined:,} have left the lake; the log says {accounts.landed:,} and {accounts.quarantined:,}."
        )
    return Verification(
        stream=stream, commits=now.commit_count, read=accounts.read, loaded=loaded + gone.data,
        quarantined=quarantined + gone.quarantined - accounts.replayed, duplicates=accounts.duplicates,
        files=len(now.data), bytes=sum(held.file.bytes for held in now.data), problems=problems,
        strangers=strangers + among_folders(store),
    ), now  # fmt: skip


def _rows(files: Iterable[Held]) -> int:
    return sum(held.file.rows for held in files)


def _missing(there: set[str], store: Store, now: Live) -> list[str]:
    absent = [held for held in now.all_files if held.key not in there]
    # What was written after the listing is looked for by its name.
    gone = [held for held in absent if store.read(held.key) is None]
    return [f"{held.key} is named by the log and is missing ({name(held)})." for held in gone]


def _unbalanced(commit: Manifest) -> list[str]:
    header = commit.header
    if header.accounts.balanced:
        return []
    return [f"Commit {commit} read {header.accounts.read:,} rows and accounts for another number: {header.accounts}."]


def _gaps(stream: Live) -> list[str]:
    problems: list[str] = []
    expected = {lane: folded.upto + 1 for lane, folded in stream.folded.items()}
    for header in (commit.header for commit in stream.commits):
        if header.seq != expected.get(header.lane, 1):
            problems.append(f"Lane {header.lane} has no commit {expected.get(header.lane, 1)}: the log has a gap.")
        expected[header.lane] = header.seq + 1
    return problems


def _there(store: Store, stream: str) -> set[str]:
    """Return all that lies in the stream's folders."""
    return {key for folder in (f"{stream}/", layout.quarantine_folder(stream)) for key in store.keys(folder)}


def _plans(store: Store, stream: str) -> list[Plan]:
    keys = list(store.keys(layout.plans_of(stream)))
    found = (Log(store, stream, key.split("/")[2]).plan(seq) for key in keys for seq in layout.sequences([key], "plan"))
    return [plan for plan in found if plan is not None]


def _announced(plans: list[Plan], commits: list[Manifest]) -> set[str]:
    """Return the files that are about to be written; a plan that is left over from before a commit announces none."""
    newest = {commit.header.lane: commit.header.seq for commit in commits}
    open_ = [plan for plan in plans if plan.header.seq > newest.get(plan.header.lane, 0)]
    return {file.key for plan in open_ for file in plan.manifest.all_files}
