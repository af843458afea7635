"""Patience with other machines."""

from datastream.resilience.retry import RetryPolicy

__all__ = ["RetryPolicy"]
