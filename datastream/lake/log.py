"""The log of one lane: a gapless sequence of commits, one claim open at a time. It is the truth of the product.

Both steps are create-only, and the first wins: a plan is never replaced, a manifest is never replaced.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from threading import Lock

from datastream.errors import Permanent
from datastream.lake import layout
from datastream.lake.index import KEPT_EVERY, Index, keep, stored
from datastream.lake.manifest import Manifest, ManifestBroken, decode, encode
from datastream.lake.plan import Plan, decode_plan
from datastream.lake.store import Store

_READ_TOGETHER = 64
_KEPT = 256


class CommitConflict(Permanent):
    """A commit exists that was made from another decision."""


class Log:
    """Plans and manifests of one lane of a stream."""

    def __init__(self, store: Store, stream: str, lane: str = layout.LANE) -> None:
        self._store, self.stream, self.lane = store, stream, lane
        self._kept: dict[int, Manifest] = {}
        self._lock = Lock()

    def sequences(self) -> list[int]:
        """Return the numbers of all commits, in order. It lists the whole log; the oldest may have expired."""
        found = layout.sequences(self._store.keys(layout.log_folder(self.stream, self.lane)), "json")
        if not found:
            return []
        # A listing beside a writer may leave one out, also the first; we do not.
        begun = found[0] == 1 or self._store.read(layout.manifest(self.stream, self.lane, 1)) is not None
        return list(range(1 if begun else found[0], found[-1] + 1))

    def newest(self) -> Manifest | None:
        """Return the last commit, or None."""
        return self.opened()[1]

    def opened(self) -> tuple[Index, Manifest | None]:
        """Return the index up to the newest commit, and that commit. What was committed since it was kept is read."""
        index = stored(self._store, self.stream, self.lane)
        newest = self.manifest(index.seq) if index.seq else None
        if newest is None or newest.header.decision != index.decision:
            return self._indexed()  # there is no index, or it was made of a log that is not this one
        for commits in self.after(index.seq):
            for newest in commits:
                index = index.add(newest)
        return index, newest

    def _indexed(self) -> tuple[Index, Manifest | None]:
        """Read the whole log. Raises ManifestBroken where a commit is missing between others."""
        index, newest, numbers = Index(), None, self.sequences()
        for seq, manifest in zip(numbers, self._read(numbers), strict=True):
            if manifest is not None:
                newest, index = manifest, index.add(manifest)
            elif newest is not None:  # the oldest may expire while they are read
                raise ManifestBroken(
                    f"{layout.manifest(self.stream, self.lane, seq)} is missing, and commits after it are there. "
                    "Restore it from a backup of the lake; without it nothing more is committed on its lane."
                )
        return index, newest

    def keep(self, index: Index) -> None:
        """Keep the index when it is time to; who opens the lane next reads no more than a few commits."""
        if index.seq % KEPT_EVERY == 0:
            keep(self._store, self.stream, self.lane, index)

    def after(self, seq: int) -> Iterator[list[Manifest]]:
        """Yield the commits after `seq`, in order and to the last, in growing groups: one read if there is none."""
        together = 1
        while True:
            wanted = self._read(range(seq + 1, seq + 1 + together))
            found = [manifest for manifest in takewhile(bool, wanted) if manifest]
            if found:
                yield found
            if len(found) < together:
                return
            seq, together = seq + together, min(2 * together, _READ_TOGETHER)

    def manifest(self, seq: int) -> Manifest | None:
        """Return one commit, or None."""
        kept = self._kept.get(seq)
        if kept is None:
            key = layout.manifest(self.stream, self.lane, seq)
            data = self._store.read(key)
            return None if data is None else self._keep(decode(key, data))
        return kept

    def manifests(self) -> Iterator[Manifest]:
        """Yield all commits, in order."""
        yield from filter(None, self._read(self.sequences()))

    def between(self, first: int, last: int) -> Iterator[Manifest]:
        """Yield some commits, in order."""
        yield from filter(None, self._read(range(first, last + 1)))

    def newest_first(self) -> Iterator[Manifest]:
        """Yield all commits from the newest back. Of those that nobody asks for, only a few are read."""
        back = self.sequences()[::-1]
        for start in range(0, len(back), _READ_TOGETHER):
            yield from filter(None, self._read(back[start : start + _READ_TOGETHER]))

    def _keep(self, manifest: Manifest) -> Manifest:
        """Have a commit at hand: it never changes, and whoever asks for one soon asks again."""
        with self._lock:
            self._kept[manifest.header.seq] = manifest
            if len(self._kept) > _KEPT:
                self._kept.pop(next(iter(self._kept)))
        return manifest

    def _read(self, numbers: Sequence[int]) -> Iterator[Manifest | None]:
        together = min(self._store.reads_at_once, len(numbers))
        if together <= 1:
            yield from map(self.manifest, numbers)
            return
        with ThreadPoolExecutor(together, thread_name_prefix="log") as threads:
            yield from threads.map(self.manifest, numbers)

    def plan(self, seq: int) -> Plan | None:
        """Return the plan that lies there for a claim, be it committed or not, or None."""
        key = layout.plan(self.stream, self.lane, seq)
        data = self._store.read(key)
        return None if data is None else decode_plan(key, data)

    def open_plan(self, seq: int) -> Plan | None:
        """Return the plan of a claim that is decided and not committed, or None.

        The plan is read before the manifest is looked for. A plan is deleted once its manifest exists, so one that a
        sleeper created after that would be written a second time; a later look always finds the manifest.
        """
        plan = self.plan(seq)
        return plan if plan is not None and self._is_open(seq) else None

    def decide(self, plan: Plan) -> Plan | None:
        """Make `plan` the decision of its claim, durably, and return the plan that holds.

        That is another worker's, if it was first. None means that the claim is committed already: this worker slept,
        and what it knows is old.
        """
        seq = plan.header.seq
        if not self._store.create(layout.plan(self.stream, self.lane, seq), plan.encoded):
            return self.open_plan(seq)  # another's, or ours, whose first answer was lost
        return plan if self._is_open(seq) else None

    def _is_open(self, seq: int) -> bool:
        """Tell whether a claim whose plan was seen is not committed; the plan of one that is, is forgotten."""
        if self._store.read(layout.manifest(self.stream, self.lane, seq)) is None:
            return True
        self.settle(seq)
        return False

    def commit(self, manifest: Manifest) -> Manifest:
        """Make a commit, durably. Repeating it is harmless. Raises CommitConflict."""
        header = manifest.header
        key = layout.manifest(self.stream, self.lane, header.seq)
        if self._store.create(key, encode(manifest)):
            return self._keep(manifest)
        first = self.manifest(header.seq)
        if first is None or first.header.decision != header.decision:
            raise CommitConflict(
                f"{key} exists and was made from another decision than this worker's. Nothing was overwritten. "
                "This must not happen: keep the lake's log as it is and report it."
            )
        return first

    def settle(self, seq: int) -> None:
        """Forget the plan of a claim that is committed."""
        self._store.delete(layout.plan(self.stream, self.lane, seq))

    def sweep(self, committed: int) -> None:
        """Forget plans of claims up to `committed`, which a crash or a sleeper left behind."""
        plans = self._store.keys(layout.plan_folder(self.stream, self.lane))
        for seq in layout.sequences(plans, "plan"):
            if seq <= committed:
                self.settle(seq)
