"""`datastream keeper`: the one process that starts a load when enough waits, and puts right what dead runs left behind.

Two at once do no harm: whoever asks for a run first keeps the other from it, a state that is set twice is set once, and
a run is run again under a key of its own.
"""

from deployments.keeper.loop import Keeper
from deployments.keeper.pacing import Pacer
from deployments.keeper.repair import Repair
from deployments.keeper.server import Server

__all__ = ["Keeper", "Pacer", "Repair", "Server"]
