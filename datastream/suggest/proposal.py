"""What a draft is made of."""

from dataclasses import dataclass
from typing import Any

from datastream.quality import Severity


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule, and what was seen that speaks for it."""

    type: str
    kwargs: dict[str, Any]
    severity: Severity
    evidence: str
