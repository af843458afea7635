"""Expiry: what was committed long enough ago leaves the stream; of commits without any row left, the log keeps the sum.

The age is that of the commit and not of the record: every stream has it, no source can forge it, and a record that came
late is kept as long as any other. Where a pass takes the place of what came before it, that leaves by the time of the
pass's last commit, and the snapshot that counts never does.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from datastream.catalog import Retention
from datastream.lake import layout
from datastream.lake.live import Live, live
from datastream.lake.manifest import FORMAT, FORMAT_OF_REPLAYS, Manifest
from datastream.lake.returned import decides, replays
from datastream.lake.rewrite import Folded, Gone, Held, Rewrite, Swap
from datastream.lake.store import Store
from datastream.lake.upkeep.attempt import Attempt
from datastream.lake.upkeep.marks import announced
from datastream.records import Accounts

_KEPT = timedelta(days=1)
"""So long at least a snapshot can be read as of an earlier moment, be it that an API answered nothing by mistake."""
_NEVER = datetime.max.replace(tzinfo=UTC)


def expire(store: Store, stream: str, retention: Retention, now: datetime, run: str) -> Rewrite | None:
    """Take out what is older than its retention, and return the rewrite; None if there is nothing.

    The files stay on the lake until the sweep, for whoever is reading them.
    """
    while True:
        now_live = live(store, stream)
        data = _old(now_live.data, retention.data, now)
        quarantine = _old(now_live.quarantine, retention.quarantine, now)
        data = _none_of_whom_quarantine_holds(data, now_live.quarantine, quarantine)
        if now_live.has_snapshots:
            data, quarantine = _superseded(now_live, retention, now)
        left = {held.key for held in (*data, *quarantine)}
        folded = _folded(store, now_live, left, retention.log, now)
        if not left and not folded:
            return None
        swaps = (Swap(removes=tuple(held.key for held in (*data, *quarantine))),) if left else ()
        gone = Gone(data=_rows(data), quarantined=_rows(quarantine))
        format_ = FORMAT_OF_REPLAYS if any(each.accounts.replayed for each in folded.values()) else FORMAT
        attempt = Attempt(store, now_live, "expire", now, run)
        made = attempt.commit(swaps=swaps, gone=gone, folded=folded, format=format_)
        if made is not None:
            return made


def _old(files: Iterable[Held], kept: timedelta | None, now: datetime) -> list[Held]:
    return [] if kept is None else [held for held in files if held.decided[1] < now - kept]


def _none_of_whom_quarantine_holds(data: list[Held], quarantine: list[Held], leaving: list[Held]) -> list[Held]:
    """Return the files without those whose rows may lie in quarantine still, which they left: they would come back."""
    left = {held.key for held in leaving}
    stays = min((held.decided[0] for held in quarantine if held.key not in left), default=_NEVER)
    kept = {held.key for held in replays(data) if held.decided[1] >= stays}
    return [held for held in data if held.key not in kept]


def _superseded(stream: Live, retention: Retention, now: datetime) -> tuple[list[Held], list[Held]]:
    """Return the files, data and quarantine, whose place another snapshot took long enough ago."""
    began: dict[str, list[tuple[int, datetime]]] = {}
    for header in (commit.header for commit in stream.commits):
        passes = began.setdefault(header.lane, [])
        if not passes or passes[-1][0] != header.counts.start:
            passes.append((header.counts.start, header.decided_at))
    found: tuple[list[Held], list[Held]] = ([], [])
    for held in stream.others:
        aside = layout.is_quarantine(held.key)
        kept = (retention.quarantine if aside else retention.data) or _KEPT
        lane, seq = layout.commit_of(held.commits[-1])
        after = began.get(lane, [])[bisect_right(began.get(lane, []), (seq, _NEVER)) :]
        if after and after[0][1] < now - kept:
            found[aside].append(held)
    return found


def _rows(files: Iterable[Held]) -> int:
    return sum(held.file.rows for held in files)


def _folded(store: Store, stream: Live, left: set[str], kept: timedelta | None, now: datetime) -> dict[str, Folded]:
    """Return the first commits of each lane that are old and have no row any more; its newest one always stays."""
    if kept is None:
        return {}
    with_rows = {commit for held in stream.all_files if held.key not in left for commit in held.commits}
    with_rows |= {str(commit) for commit in stream.commits if decides(commit) in with_rows}  # else it is held again
    found: dict[str, Folded] = {}
    for lane in sorted({commit.header.lane for commit in stream.commits}):
        made = [commit for commit in stream.commits if commit.header.lane == lane]
        limit = announced(store, stream.stream, lane)
        empty: list[Manifest] = []
        for commit in made[:-1]:
            seq, old = commit.header.seq, commit.header.decided_at < now - kept
            if str(commit) in with_rows or not old or (limit is not None and seq > limit):
                break
            empty.append(commit)
        if empty:
            found[lane] = _sum(empty)
    return found


def _sum(commits: list[Manifest]) -> Folded:
    rules: dict[str, int] = {}
    for commit in commits:
        for rule, rows in commit.header.set_aside.items():
            rules[rule] = rules.get(rule, 0) + rows
    accounts = sum((commit.header.accounts for commit in commits), Accounts())
    return Folded(upto=commits[-1].header.seq, commits=len(commits), accounts=accounts, set_aside=rules)
