"""Which files hold which rows of a stream now: every row once, from the lanes' logs and the log of rewrites.

The commits are read first, then the rewrites. So a file that was rewritten in between is replaced by one that may hold
rows of newer commits too, and none is missed; what was replaced stays on the lake for a day, for whoever reads it.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import msgspec

from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest
from datastream.lake.rewrite import Folded, Gone, Held, Rewrite, rewrites
from datastream.lake.standing import Standing, counting
from datastream.lake.store import Store
from datastream.records import Accounts

_READING_THREADS = 8


class Live(msgspec.Struct, frozen=True, eq=False):
    """A stream as it stood at one moment."""

    stream: str
    commits: list[Manifest]
    """Those that are in the logs, lane by lane, in order."""
    rewrites: list[Rewrite]
    data: list[Held]
    quarantine: list[Held]
    """The files that count, in the order of their first commits."""
    others: list[Held]
    """The files that do not: of snapshots that others took the place of, or of one that is not whole yet."""
    replaced: dict[str, Rewrite]
    """The files that do not count any more, each with the rewrite that took it out."""

    @property
    def all_files(self) -> list[Held]:
        """Data and quarantine, whether they count or not."""
        return [*self.data, *self.quarantine, *self.others]

    def at(self, standing: Standing) -> "Live":
        """Return the stream with the files that counted at a moment; a file may hold rows that did not."""
        return msgspec.structs.replace(self, **_sorted_out(self.all_files, standing))

    @property
    def standing(self) -> Standing:
        """Which commits count now."""
        return Standing(counting(commit.header for commit in self.commits))

    @property
    def has_snapshots(self) -> bool:
        """Tell whether the log says that some commits do not count."""
        return any(commit.header.snapshot for commit in self.commits)

    @property
    def folded(self) -> dict[str, Folded]:
        """What stands in the log of each lane no more."""
        sums: dict[str, Folded] = {}
        for rewrite in self.rewrites:
            for lane, more in rewrite.folded.items():
                sums[lane] = _added(sums[lane], more) if lane in sums else more
        return sums

    @property
    def accounts(self) -> Accounts:
        """What became of all rows that were ever read."""
        made = (commit.header.accounts for commit in self.commits)
        return sum((folded.accounts for folded in self.folded.values()), sum(made, Accounts()))

    @property
    def commit_count(self) -> int:
        """How many commits were ever made."""
        return len(self.commits) + sum(folded.commits for folded in self.folded.values())

    @property
    def set_aside(self) -> dict[str, int]:
        """Rows that lie in quarantine by the commits that count, by rule; what was folded is in it."""
        sums: dict[str, int] = {}
        folded, now = (each.set_aside for each in self.folded.values()), self.standing
        made = (commit.header.set_aside for commit in self.commits if now.has(str(commit)))
        for rules in (*folded, *made):
            for rule, rows in rules.items():
                sums[rule] = sums.get(rule, 0) + rows
        return {rule: rows for rule, rows in sums.items() if rows}

    @property
    def gone(self) -> Gone:
        """Rows that expired or were forgotten."""
        return sum((rewrite.gone for rewrite in self.rewrites), Gone())

    @property
    def next_rewrite(self) -> int:
        """The number of the next rewrite."""
        return len(self.rewrites) + 1


def live(store: Store, stream: str) -> Live:
    """Return the stream as it stands now."""
    names = store.folders(layout.log_of(stream))  # a backfill may have left thousands
    with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="lanes") as threads:
        made = list(threads.map(lambda lane: list(Log(store, stream, lane).manifests()), names))
    return at_rest(stream, zip(names, made, strict=True), rewrites(store, stream))


def at_rest(stream: str, lanes: Iterable[tuple[str, list[Manifest]]], done: list[Rewrite]) -> Live:
    """Return the stream that these commits and rewrites make."""
    upto = {lane: folded.upto for rewrite in done for lane, folded in rewrite.folded.items()}
    # One below `upto` is there while it is being deleted, or because a worker slept all that time and made it again.
    commits = [commit for lane, made in lanes for commit in made if commit.header.seq > upto.get(lane, 0)]
    files = {held.key: held for commit in commits for held in _held(commit)}
    replaced: dict[str, Rewrite] = {}
    for rewrite in done:
        for swap in rewrite.swaps:
            files |= {held.key: held for held in swap.adds}
            replaced |= dict.fromkeys(swap.removes, rewrite)
        replaced |= dict.fromkeys(rewrite.erased, rewrite)
    there = [held for key, held in files.items() if key not in replaced]
    found = Live(stream, commits, done, [], [], there, replaced)
    return found.at(found.standing)


def around(files: Iterable[Held]) -> tuple[tuple[str, ...], tuple[datetime, datetime]]:
    """Return the commits that any of the files may hold, and when they were decided."""
    files = list(files)
    commits = sorted({commit for held in files for commit in held.commits})
    return tuple(commits), (min(held.decided[0] for held in files), max(held.decided[1] for held in files))


def _sorted_out(files: Iterable[Held], standing: Standing) -> dict[str, list[Held]]:
    files = sorted(files, key=lambda held: held.commits[0])
    counting = standing.files(files)
    keys = {held.key for held in counting}
    return {
        "data": [held for held in counting if not layout.is_quarantine(held.key)],
        "quarantine": [held for held in counting if layout.is_quarantine(held.key)],
        "others": [held for held in files if held.key not in keys],
    }


def _held(commit: Manifest) -> Iterator[Held]:
    decided = commit.header.decided_at
    return (Held(file=file, commits=(str(commit),), decided=(decided, decided)) for file in commit.all_files)


def _added(before: Folded, more: Folded) -> Folded:
    rules = {**before.set_aside}
    for rule, rows in more.set_aside.items():
        rules[rule] = rules.get(rule, 0) + rows
    return Folded(
        upto=more.upto, commits=before.commits + more.commits, accounts=before.accounts + more.accounts, set_aside=rules
    )
