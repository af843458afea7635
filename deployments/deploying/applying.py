"""Makes the changes of a plan, one after another. When one fails, all that were begun are put back as they were.

Prefect has no transaction over several of them, so this is not atomic for who looks meanwhile; and a process that is
killed leaves what it had done, of which the next apply does the rest. A change that failed is put back too: without an
answer nobody knows whether it was made. What was removed by `--prune` goes last, and comes back under another id.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from datastream.errors import DatastreamError, Permanent
from deployments.deploying import entries
from deployments.deploying.difference import Change
from deployments.deploying.file import NAME
from deployments.deploying.making import Making
from deployments.deploying.plan import Plan
from deployments.prefect_api import refused

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


class NotApplied(Permanent):
    """A change failed, and the others were put back."""


def apply(client: "SyncPrefectClient", plan: Plan, project: Path, *, prune: bool = False) -> None:
    """Make what a plan says so. Raises NotApplied: then file and server are as they were, or it says what is not."""
    file = project / NAME
    before = file.read_text()
    if plan.new_entries:
        entries.replace(file, plan.text)
    try:
        _make_all(Making(client, plan.found, prune=prune), plan.changes)
    except BaseException:
        if plan.new_entries:
            entries.replace(file, before)
        raise


def _make_all(making: Making, changes: Sequence[Change]) -> None:
    import httpx

    begun: list[Change] = []
    try:
        for change in changes:
            begun.append(change)
            making.make(change)
    except (httpx.HTTPError, DatastreamError) as error:
        said = refused(error) if isinstance(error, httpx.HTTPStatusError) else f"{error or type(error).__name__}."
        raise NotApplied(_sentence(begun[-1], str(said), _put_back(making, begun))) from error
    except BaseException:  # who interrupts wants nothing half done either
        _put_back(making, begun)
        raise


def _put_back(making: Making, begun: Sequence[Change]) -> list[str]:
    """Take back what was begun, the last first; return what could not be: the rest, if the server has gone."""
    import httpx

    left: list[str] = []
    away = False
    for change in reversed(begun):
        try:
            if not away:
                making.take_back(change)
                continue
        except httpx.HTTPError as error:
            away = not isinstance(error, httpx.HTTPStatusError)
        left.append(f"{change.kind} {change.name}")
    return left


def _sentence(failed: Change, said: str, left: Sequence[str]) -> str:
    what = f"{failed.kind} {failed.name}"
    if not left:
        return (
            f"{what} could not be deployed, and the server is as it was before: {said}\n"
            "Put that right, and run `datastream deploy apply` again."
        )
    return (
        f"{what} could not be deployed: {said}\nThis could not be put back as it was: {', '.join(left)}. Once the "
        "server answers, `datastream deploy plan` shows what is missing, and `datastream deploy apply` does it."
    )
