"""Makes a work pool start its runs warm, by the public job variable `command` that every process pool has."""

import re
import shlex
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from datastream.errors import Permanent
from deployments.prefect_api import prefect_client

# The pool is of many machines, so the command finds the Python of the worker that runs it: that is its parent process.
# On a PATH it need not be, and a virtual environment shows in no other way.
_SCRIPT = (
    r"p=$(tr '\0' '\n' </proc/$PPID/cmdline | head -n 1); "
    r"case $p in /*) ;; */*) p=$(readlink /proc/$PPID/cwd)/$p;; esac; "
    r'exec "$p" -P -m deployments.warm'
)
COMMAND = shlex.join(["sh", "-c", _SCRIPT])
_ASKS = re.compile(r"\s*\{\{\s*command\s*\}\}\s*")  # a job configuration that takes its command from the variable
_EARLIER = ("python -m deployments.warm",)


class NotAProcessPool(Permanent):
    """Only processes can be forked."""


def wire(pool: str) -> bool:
    """Let runs of the pool start warm where a deployment does not say otherwise; return whether this was news.

    A default command that somebody else has set is kept. Raises NotAProcessPool, and what `prefect_client` raises.
    """
    from prefect.client.schemas.actions import WorkPoolUpdate
    from prefect.exceptions import ObjectNotFound
    from prefect.workers.process import ProcessWorker

    with prefect_client() as client:
        try:
            found = client.read_work_pool(pool)
        except ObjectNotFound:
            found = None
        if found is None or found.type != ProcessWorker.type:
            raise NotAProcessPool(
                f"There is no work pool {pool!r} of processes on {client.api_url}. Warm starts are for those: make it "
                f"with `prefect work-pool create {pool} --type process`."
            )
        template = with_command(found.base_job_template or ProcessWorker.get_default_base_job_template())
        if template is None:
            return False
        client.update_work_pool(pool, WorkPoolUpdate(base_job_template=template))
    return True


def wired(template: Mapping[str, Any]) -> bool:
    """Tell whether runs of a pool with this template ask for a warm start, where their deployment says nothing."""
    return bool(template.get("variables", {}).get("properties", {}).get("command", {}).get("default") == COMMAND)


def with_command(template: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a pool's template with our command as the default, or None if it has one."""
    if not _ASKS.fullmatch(str(template.get("job_configuration", {}).get("command"))):
        return None
    changed: dict[str, Any] = deepcopy(dict(template))
    command = changed.setdefault("variables", {}).setdefault("properties", {}).setdefault("command", {})
    if command.get("default") and command["default"] not in _EARLIER:
        return None
    command["default"] = COMMAND
    return changed
