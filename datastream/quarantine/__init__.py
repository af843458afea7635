"""The way back from quarantine: rows through today's rules once more, and held claims released or rejected."""

from datastream.quarantine.held import HeldDecided, NotHeld, reject, release
from datastream.quarantine.mending import SelectionWrong, Wanted
from datastream.quarantine.replay import Replayed, ReplayRefused, finish, left_over, replay, replay_intake

__all__ = [
    "HeldDecided",
    "NotHeld",
    "ReplayRefused",
    "Replayed",
    "SelectionWrong",
    "Wanted",
    "finish",
    "left_over",
    "reject",
    "release",
    "replay",
    "replay_intake",
]
