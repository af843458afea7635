"""Does what a stream refers to exist? How many of a sample's values stand in another stream."""

from datastream.catalog import Reference
from datastream.quality.check import Check, percent, result


def references(reference: Reference, values: int, missing: int | None, why: str = "") -> Check:
    """Ask which share of the values is not there; `why` says why it is not known."""
    at_most = reference.missing_at_most
    expected = f"at most {percent(at_most)} missing in {reference.stream}.{reference.key}"
    if missing is None or not values:
        observed = why or "no new row has a value"
        return Check("references", observed, expected, "not judged", subject=reference.column, high=at_most)
    share = missing / values
    observed = f"{missing:,} of {values:,} values are not in {reference.stream}.{reference.key}"
    return Check("references", observed, expected, result(share <= at_most), subject=reference.column, value=share,
                 high=at_most)  # fmt: skip
