"""Runs Prefect's engine for a flow run, as `python -m prefect.engine` does. Imported if warm, run as a file if cold.

As a file it must not find the folder it lies in, or another `deployments` in the working directory: it imports neither.
"""

import os
import runpy
import sys
from uuid import UUID


def run() -> None:
    """Run it as `__main__`: who spawns processes imports that again, by its name."""
    sys.modules.pop("prefect.engine", None)  # else it would be warned of as loaded twice
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


def say_cold(why: str) -> None:
    """Tell among the run's logs, where a person looks, why its start took so long."""
    import prefect.main  # noqa: F401 - it sets logging up
    from prefect.logging.loggers import flow_run_logger, get_logger

    run = os.environ.get("PREFECT__FLOW_RUN_ID")
    logger = flow_run_logger(flow_run_id=UUID(run)) if run else get_logger("engine")
    logger.warning("Started cold: %s.", why)


if __name__ == "__main__":
    why = sys.argv.pop()
    if not sys.flags.safe_path:
        sys.path[0] = os.getcwd()  # noqa: PTH109 - as `python -m` does
    say_cold(why)
    run()
