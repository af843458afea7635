"""Which commits of a stream count at a moment: of each lane a range, as the lane's newest commit of then says."""

from collections.abc import Iterable, Mapping

import msgspec

from datastream.lake import layout
from datastream.lake.manifest import Header
from datastream.lake.rewrite import Held

_DIGITS = 13
"""Of a commit's name after its lane: a dash and its number."""


def counting(headers: Iterable[Header]) -> dict[str, range]:
    """Return which commits count, lane by lane, as the last of the headers of each lane says.

    Where a pass over the source has taken the place of all that was before it, that is also what was loaded from
    quarantine: streams that are replaced have no replays of their own.
    """
    found = {header.lane: header.counts for header in headers}
    if layout.LANE in found and found[layout.LANE].start > 1:
        found.pop(layout.REPLAY, None)
    return found


class Standing(msgspec.Struct, frozen=True):
    """The numbers of the commits that count, lane by lane."""

    lanes: Mapping[str, range]

    def has(self, commit: str) -> bool:
        """Tell whether a commit counts."""
        lane, seq = layout.commit_of(commit)
        return seq in self.lanes.get(lane, ())

    def files(self, held: Iterable[Held]) -> list[Held]:
        """Return the files that may hold rows that count; some may hold others too."""
        return [each for each in held if any(self.has(commit) for commit in each.commits)]

    @property
    def condition(self) -> str:
        """What SQL asks of a row that counts."""
        ranges = [
            f"(left(_commit, -{_DIGITS}) = '{lane}' and _commit between '{layout.commit_name(lane, counts[0])}' "
            f"and '{layout.commit_name(lane, counts[-1])}')"
            for lane, counts in self.lanes.items()
            if counts
        ]
        return " or ".join(ranges) or "false"
