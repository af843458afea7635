"""A flow that does next to nothing, in a process of its own as flows are."""

from prefect import flow


@flow
def nap() -> str:
    """Be a run."""
    return "rested"
