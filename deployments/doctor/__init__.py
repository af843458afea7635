"""Looks at everything a platform needs, one thing after another, and says of each what it is or what to do about it."""

from deployments.doctor.platform import examine

__all__ = ["examine"]
