"""Drafts a suite from data, each rule with its evidence, for a person to review: what was so is not what must be so."""

from datastream.suggest.draft import Draft, suggest
from datastream.suggest.newest import newest_rows

__all__ = ["Draft", "newest_rows", "suggest"]
