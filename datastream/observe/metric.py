"""What a metric is, wherever it is exported: each place has a table of its own, which its documents and tests go by."""

from typing import NamedTuple


class Metric(NamedTuple):
    """One metric: its name, what it means, and its labels, whose values come from registered names only."""

    name: str
    meaning: str
    labels: tuple[str, ...]
