"""A flow that needs what the flows of this project need, and does nothing."""

import great_expectations
import pandas as pd
import pyarrow as pa
from prefect import flow

LIBRARIES = (great_expectations, pd, pa)


@flow(name="start", persist_result=False)
def start() -> None:
    """Do nothing: what counts is how long it takes to get here."""
