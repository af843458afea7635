"""What may be found where a source is held against its stream, and what a run would make of it."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

Effect = Literal["fails", "stuck", "dropped", "set aside", "told"]
"""A run would fail, its cursor would not move, records would count as duplicates or be set aside; or all is loaded."""
_EFFECTS = get_args(Effect)
_SAID = {
    "fails": "a run would fail", "stuck": "the cursor would not move",
    "dropped": "records would be taken for duplicates of others",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a source is not what its stream expects."""

    field: str
    stream: str
    source: str
    meaning: str
    effect: Effect = "told"
    places: frozenset[int] = dataclasses.field(default=frozenset(), repr=False)
    """Where in the sample the records stand that would be set aside for it."""

    @property
    def as_dict(self) -> dict[str, Any]:
        """The finding for machines."""
        texts = {name: getattr(self, name) for name in ("field", "stream", "source", "meaning", "effect")}
        return {**texts, "set_aside": len(self.places)}


@dataclass(frozen=True, slots=True)
class Drift:
    """What was found in a sample, the worst first."""

    stream: str
    window: str
    records: int
    findings: Sequence[Finding]

    @classmethod
    def of(cls, stream: str, window: str, records: int, findings: Iterable[Finding]) -> Self:
        """Return the findings in the order of what they mean."""
        return cls(stream, window, records, sorted(findings, key=lambda each: _EFFECTS.index(each.effect)))

    @property
    def matters(self) -> bool:
        """Tell whether a run would fail, or not load all that it reads."""
        return any(found.effect != "told" for found in self.findings)

    @property
    def set_aside(self) -> int:
        """How many records of the sample would be set aside."""
        return len(frozenset[int]().union(*(found.places for found in self.findings)))

    @property
    def as_dict(self) -> dict[str, Any]:
        """The drift for machines."""
        sums = {"stream": self.stream, "window": self.window, "records": self.records, "matters": self.matters}
        return {**sums, "set_aside": self.set_aside, "findings": [found.as_dict for found in self.findings]}

    def __str__(self) -> str:
        records = "1 record" if self.records == 1 else f"{self.records:,} records"
        seen = f"{self.stream}, {self.window}: of {records}"
        if not self.findings:
            return f"{seen} all are as the stream expects them."
        effects = {found.effect for found in self.findings}
        said = [text for effect, text in _SAID.items() if effect in effects]
        said += [f"{self.set_aside:,} would be set aside"] if self.set_aside else []
        return f"{seen} not all are as the stream expects them; {' and '.join(said) or 'each would be loaded'}."
