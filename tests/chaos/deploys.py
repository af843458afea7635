"""What is deployed, and changed between two attempts at one claim: stream file, suite, transform and batch size."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datastream.catalog import Stream
from tests.posts import SECRET

STREAM = "orders"
_AMOUNT = {"column": "amount"}
_RULES: Mapping[str, list[dict[str, Any]]] = {
    "known": [{"type": "expect_column_values_to_not_be_null", "kwargs": _AMOUNT, "severity": "critical"}],
    "small": [
        {"type": "expect_column_values_to_be_between", "kwargs": {**_AMOUNT, "max_value": 500}, "severity": "critical"}
    ],
    "lax": [
        {"type": "expect_column_values_to_not_be_null", "kwargs": _AMOUNT, "severity": "warning"},
        {"type": "expect_column_values_to_be_between", "kwargs": {**_AMOUNT, "min_value": 50}, "severity": "critical"},
    ],
}


@dataclass(frozen=True)
class Deploy:
    """One version of everything that may change while a stream runs."""

    suite: str
    transform: str
    size: int
    per_commit: int
    strict: bool = False
    """Whether its stream file sets aside what breaks a warning."""

    def suites(self, folder: Path) -> Path:
        """Return the folder that holds this version's suite."""
        return folder / self.suite

    def stream(self, source: Mapping[str, Any]) -> Stream:
        """Return this version's stream."""
        version = f"{self.suite}-{self.transform}-{self.size}-{self.strict}"
        return Stream.model_validate({
            "name": STREAM, "source": source, "key": ["id"] if source["kind"] == "api" else [],
            "transform": f"tests.chaos.transforms:{self.transform}",
            "partition_by": {"field": "at", "grain": "day"}, "suite": STREAM,
            "on_failure": {"warning": "quarantine" if self.strict else "warn"},
            "batch": {"size": self.size, "per_commit": self.per_commit},
        }).model_copy(update={"version": version})  # fmt: skip


DEPLOYS = (
    Deploy("known", "timed", size=20, per_commit=5),
    Deploy("small", "turned", size=33, per_commit=2),
    Deploy("lax", "picky", size=50, per_commit=3),
    Deploy("lax", "turned", size=20, per_commit=5, strict=True),
)
WEBHOOK = {"kind": "webhook", "block": {"secrets": [SECRET]}}
API = {
    "kind": "api",
    "block": {"base_url": "http://127.0.0.1:1"},
    "path": "/numbered",
    "records": "data",
    "paginate": {"kind": "page_number", "total": "total"},
}


def write_suites(folder: Path) -> Path:
    """Write every version's suite below a folder, and return it."""
    for name, rules in _RULES.items():
        (folder / name).mkdir(parents=True)
        (folder / name / f"{STREAM}.json").write_text(json.dumps({"name": STREAM, "expectations": rules}))
    return folder
