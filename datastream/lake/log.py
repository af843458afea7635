"""The log of one lane: a gapless sequence of commits, one claim open at a time. It is the truth of the product.

Both steps are create-only, and the first wins: a plan is never replaced, a manifest is never replaced.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from datastream.errors import Permanent
from datastream.lake import layout
from datastream.lake.manifest import Manifest, decode, encode
from datastream.lake.plan import Plan, decode_plan
from datastream.lake.store import Store

_READING_THREADS = 8
_READ_TOGETHER = 64


class CommitConflict(Permanent):
    """A commit exists that was made from another decision."""


class Log:
    """Plans and manifests of one lane of a stream."""

    def __init__(self, store: Store, stream: str, lane: str = layout.LANE) -> None:
        self._store, self.stream, self.lane = store, stream, lane

    def sequences(self) -> list[int]:
        """Return the numbers of all commits, in order."""
        found = layout.sequences(self._store.keys(layout.log_folder(self.stream, self.lane)), "json")
        return list(range(1, found[-1] + 1)) if found else []  # a listing beside a writer may leave one out; we do not

    def newest(self) -> Manifest | None:
        """Return the last commit, or None."""
        found = self.sequences()
        return self.manifest(found[-1]) if found else None

    def manifest(self, seq: int) -> Manifest | None:
        """Return one commit, or None."""
        key = layout.manifest(self.stream, self.lane, seq)
        data = self._store.read(key)
        return None if data is None else decode(key, data)

    def manifests(self) -> Iterator[Manifest]:
        """Yield all commits, in order."""
        with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="log") as threads:
            yield from filter(None, threads.map(self.manifest, self.sequences()))

    def newest_first(self) -> Iterator[Manifest]:
        """Yield all commits from the newest back. Of those that nobody asks for, only a few are read."""
        back = self.sequences()[::-1]
        with ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="log") as threads:
            for start in range(0, len(back), _READ_TOGETHER):
                yield from filter(None, threads.map(self.manifest, back[start : start + _READ_TOGETHER]))

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
        if plan is not None and self._store.read(layout.manifest(self.stream, self.lane, seq)) is not None:
            self.settle(seq)
            return None
        return plan

    def decide(self, plan: Plan) -> Plan | None:
        """Make `plan` the decision of its claim, durably, and return the plan that holds.

        That is another worker's, if it was first. None means that the claim is committed already: this worker slept,
        and what it knows is old.
        """
        mine = self._store.create(layout.plan(self.stream, self.lane, plan.header.seq), plan.encoded)
        held = self.open_plan(plan.header.seq)
        return plan if mine and held is not None else held

    def commit(self, manifest: Manifest) -> Manifest:
        """Make a commit, durably. Repeating it is harmless. Raises CommitConflict."""
        header = manifest.header
        key = layout.manifest(self.stream, self.lane, header.seq)
        if self._store.create(key, encode(manifest)):
            return manifest
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

    def sweep(self) -> None:
        """Forget plans of committed claims, which a crash or a sleeper left behind."""
        keys = list(self._store.keys(layout.log_folder(self.stream, self.lane)))
        committed = layout.sequences(keys, "json")
        for seq in layout.sequences(keys, "plan"):
            if committed and seq <= committed[-1]:
                self.settle(seq)
