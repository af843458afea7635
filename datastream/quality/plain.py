"""Makes JSON of whatever a suite may hold or an expectation may answer, so that no verdict is lost on its way out."""

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any


def plain(value: Any) -> Any:
    """Return the value as JSON knows it; numbers that JSON does not know, and all it has no form for, become text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | AbstractSet):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return plain(value.tolist())
    return value.isoformat() if hasattr(value, "isoformat") else str(value)  # as Great Expectations saves times
