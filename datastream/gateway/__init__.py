"""The HTTP face: webhooks in, probes and metrics out. Plain ASGI, because a router would cost an eighth of a post."""

from datastream.gateway.app import Gateway
from datastream.gateway.probes import Probe

__all__ = ["Gateway", "Probe"]
