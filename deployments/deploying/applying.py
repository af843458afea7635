"""Makes the changes of a plan, one after another. When one fails, all that were begun are put back as they were.

Prefect has no transaction over several of them, so this is not atomic for who looks meanwhile; and a process that is
killed leaves what it had done, of which the next apply does the rest. A change that failed is put back too: without an
answer nobody knows whether it was made. Whoever interrupts waits until the change at hand is answered, since one that
was given up on may still be made, behind what was put back. What `--prune` removes goes last, and would come back under
another id.
"""

import fcntl
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from datastream.errors import DatastreamError, Permanent, Transient
from datastream.resilience import RetryPolicy
from datastream.settings import Settings
from deployments.deploying import entries
from deployments.deploying.difference import Change
from deployments.deploying.file import NAME, FileUnread
from deployments.deploying.making import Making
from deployments.deploying.plan import Plan, plan
from deployments.prefect_api import refused

if TYPE_CHECKING:
    import httpx
    from prefect.client.orchestration import SyncPrefectClient

_PATIENCE = RetryPolicy()  # on SQLite a busy server answers 503, and this is no moment to give up


class NotApplied(Permanent):
    """A change failed, and the others were put back."""


class _NotBack(Transient):
    """A change could not be taken back."""


def apply(client: "SyncPrefectClient", settings: Settings, *, prune: bool = False, blocks_later: bool = False) -> Plan:
    """Make what `plan` says so, and return it. Raises what that raises.

    Raises NotApplied: then file and server are as they were, or it says what is not. Who deploys the same project on
    this machine is waited for; with somebody on another it may be that the next plan has to mend what both made. Only
    the main thread may do it: it is who is interrupted.
    """
    with _alone(settings.project):
        made = plan(client, settings, prune=prune, blocks_later=blocks_later)
        with _entries_added(settings.project / NAME, made), _finishing() as stopped:
            _make_all(Making(client, made.found, prune=prune), made.changes, stopped)
    return made


@contextmanager
def _alone(project: Path) -> Iterator[None]:
    """Wait until nobody else deploys this project. The lock ends with its process, and leaves nothing behind."""
    try:
        folder = os.open(project, os.O_RDONLY)
    except OSError as error:
        raise FileUnread(f"{project} cannot be read: {error.strerror}. Correct DATASTREAM_PROJECT.") from error
    try:
        with suppress(OSError):  # some network file systems lock no folder
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def _entries_added(file: Path, made: Plan) -> Iterator[None]:
    """Write the entries that the file lacks; if then something fails, put back what stood there."""
    if not made.new_entries:
        yield
        return
    before = entries.content(file)
    if before != made.before:
        raise NotApplied(f"{file} has changed while it was looked at. Nothing is deployed: run it again.")
    entries.replace(file, made.text)
    try:
        yield
    except BaseException:
        entries.replace(file, before)
        raise


@contextmanager
def _finishing() -> Iterator[Callable[[], bool]]:
    """Tell whether somebody wants to stop, instead of stopping in the middle of a question."""
    asked: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda number, _: asked.append(number)) for kind in kinds]
    try:
        yield lambda: bool(asked)
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _make_all(making: Making, changes: Sequence[Change], stopped: Callable[[], bool]) -> None:
    import httpx

    begun: list[Change] = []
    try:
        for change in changes:
            begun.append(change)
            making.make(change)
            _go_on(stopped)
    except (httpx.HTTPError, DatastreamError) as error:
        raise NotApplied(_sentence(begun[-1], _reason(error), _put_back(making, begun))) from error
    except BaseException:
        _put_back(making, begun)
        raise


def _go_on(stopped: Callable[[], bool]) -> None:
    if stopped():
        raise NotApplied("somebody stopped it.")


def _put_back(making: Making, begun: Sequence[Change]) -> list[str]:
    """Take back what was begun, the last first; return what could not be: the rest, if the server has gone."""
    left: list[str] = []
    away = False
    for change in reversed(begun):
        name = f"{change.kind} {change.name}"
        try:
            if away:
                left.append(name)
            else:
                _PATIENCE.call(lambda change=change: _take_back(making, change))  # type: ignore[misc]
        except _NotBack as error:
            away = error.retry_after is None
            left.append(f"{name} ({error})")
    return left


def _take_back(making: Making, change: Change) -> None:
    import httpx

    try:
        making.take_back(change)
    except httpx.HTTPStatusError as error:
        raise _NotBack(_reason(error), retry_after=_PATIENCE.first) from error
    except httpx.HTTPError as error:
        raise _NotBack(_reason(error)) from error


def _reason(error: "httpx.HTTPError | DatastreamError") -> str:
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return str(refused(error))
    said = str(error) or type(error).__name__
    return said if isinstance(error, DatastreamError) else f"the server does not answer: {said.rstrip('.')}."


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
