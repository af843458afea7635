"""Which files hold which rows of a stream now: every row once, from the lanes' logs and the log of rewrites.

The commits are read first, then the rewrites. So a file that was rewritten in between is replaced by one that may hold
rows of newer commits too, and none is missed; what was replaced stays on the lake for a day, for whoever reads it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from datastream.lake import layout
from datastream.lake.log import Log
from datastream.lake.manifest import Manifest
from datastream.lake.rewrite import Folded, Gone, Held, Rewrite, rewrites
from datastream.lake.store import Store
from datastream.records import Accounts


class Live(msgspec.Struct, frozen=True, eq=False):
    """A stream as it stood at one moment."""

    stream: str
    commits: list[Manifest]
    """Those that are in the logs, lane by lane, in order."""
    rewrites: list[Rewrite]
    data: list[Held]
    quarantine: list[Held]
    """The files that count, in the order of their first commits."""
    replaced: dict[str, Rewrite]
    """The files that do not count any more, each with the rewrite that took it out."""

    @property
    def all_files(self) -> list[Held]:
        """Data and quarantine."""
        return [*self.data, *self.quarantine]

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
        """Rows that were ever set aside, by rule; what was folded is in it."""
        sums: dict[str, int] = {}
        folded = (each.set_aside for each in self.folded.values())
        for rules in (*folded, *(commit.header.set_aside for commit in self.commits)):
            for rule, rows in rules.items():
                sums[rule] = sums.get(rule, 0) + rows
        return sums

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
    lanes = [(lane, list(Log(store, stream, lane).manifests())) for lane in store.folders(layout.log_of(stream))]
    return at_rest(stream, lanes, rewrites(store, stream))


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
    there = sorted((held for key, held in files.items() if key not in replaced), key=lambda held: held.commits[0])
    data = [held for held in there if not layout.is_quarantine(held.key)]
    quarantine = [held for held in there if layout.is_quarantine(held.key)]
    return Live(stream, commits, done, data, quarantine, replaced)


def around(files: Iterable[Held]) -> tuple[tuple[str, ...], tuple[datetime, datetime]]:
    """Return the commits that any of the files may hold, and when they were decided."""
    files = list(files)
    commits = sorted({commit for held in files for commit in held.commits})
    return tuple(commits), (min(held.decided[0] for held in files), max(held.decided[1] for held in files))


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
