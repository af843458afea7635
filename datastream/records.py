"""The values that every floor speaks of: accounts of rows, and the columns each row carries."""

import msgspec
import pyarrow as pa

RECORD_ID = "_record_id"
"""Which record a row is: a hash that the same record always has."""
RECEIVED_AT = "_received_at"
RECEIVED_TYPE = pa.timestamp("us", "UTC")
COMMIT = "_commit"
RULES = "_rules"
"""In quarantine: every rule the row broke."""
RAW = "_raw"
"""In quarantine: the row as it was received."""
OBSERVED = "_observed"
"""In quarantine: for each of the rules, in their order, what was seen, as JSON; null where the rule says it itself."""
SUITE = "_suite"
"""In quarantine: the version of the suite that judged."""
EXTRA = "_extra"
"""The fields of a row that cannot be columns, as a JSON object of the values that came; null where there are none."""
OWN_COLUMNS = frozenset({RECORD_ID, RECEIVED_AT, COMMIT, RULES, OBSERVED, SUITE, RAW, EXTRA})


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows: read = loaded + quarantined + duplicates, always.

    What was set aside and is loaded later is not read again: it is `replayed`, and has left the quarantine.
    """

    read: int = 0
    loaded: int = 0
    quarantined: int = 0
    duplicates: int = 0
    replayed: int = 0

    @property
    def landed(self) -> int:
        """The rows that came into the stream's data."""
        return self.loaded + self.replayed

    @property
    def aside(self) -> int:
        """The rows that lie in quarantine still."""
        return self.quarantined - self.replayed

    @property
    def balanced(self) -> bool:
        """Tell whether every row that was read is accounted for."""
        return self.read == self.loaded + self.quarantined + self.duplicates

    def __add__(self, other: "Accounts") -> "Accounts":
        return Accounts(
            read=self.read + other.read,
            loaded=self.loaded + other.loaded,
            quarantined=self.quarantined + other.quarantined,
            duplicates=self.duplicates + other.duplicates,
            replayed=self.replayed + other.replayed,
        )
