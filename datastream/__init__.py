"""The machinery of datastream. It knows nothing of Prefect: flows, tasks, blocks and deployments stand on it."""

__version__ = "0.1.0"
