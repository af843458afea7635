"""How it is run: the command line, the local stack, and what `make run` does."""

POOL = "datastream"
"""The work pool of the project."""
