"""Maintenance of a stream's files: each step is a rewrite, which counts from one moment to the next or not at all."""

from datastream.lake.upkeep.compact import compact
from datastream.lake.upkeep.expire import expire
from datastream.lake.upkeep.forget import Found, KeyUnknown, PlanOpen, find, forget
from datastream.lake.upkeep.sweep import SweepPolicy, Swept, sweep

__all__ = [
    "Found",
    "KeyUnknown",
    "PlanOpen",
    "SweepPolicy",
    "Swept",
    "compact",
    "expire",
    "find",
    "forget",
    "sweep",
]
