"""Looks at everything that `datastream deploy` is to do, and changes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datastream.catalog import Catalog
from datastream.settings import Settings
from deployments.deploying import automations, checks, entries, file
from deployments.deploying.difference import Change, difference, strange_schedules, strangers
from deployments.deploying.file import Described, Entry, FileUnread
from deployments.deploying.found import found_on
from deployments.deploying.model import Deployment, State
from deployments.deploying.problem import NotDeployable, Problem, Unfit
from deployments.deploying.wanted import wanted_of
from deployments.prefect_api import all_of, version_of

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

HIGH = "high"
"""The queue that goes first: what a person waits for, and not what is due every five minutes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and what is left as it is."""

    changes: Sequence[Change]
    unchanged: int
    left: Sequence[str]
    """What is on the server, and not in the file."""
    new_entries: Sequence[str]
    """The streams whose entries are to be added to the file."""
    unadded: Sequence[str]
    """Streams that nothing loads, and whose entries cannot be added."""
    before: str
    """The file as it was read."""
    text: str
    """The file, with those entries."""
    found: State
    awaited: Sequence[Problem] = ()
    """The blocks of streams that are still to be made, where these may come later."""

    @property
    def empty(self) -> bool:
        """Tell whether there is nothing to do."""
        return not self.changes and not self.new_entries


def plan(client: "SyncPrefectClient", settings: Settings, *, prune: bool = False, blocks_later: bool = False) -> Plan:
    """Return what would change. Raises NotDeployable with all that is wrong, and what the client raises.

    With `blocks_later` it is nothing wrong that a stream's own block is missing: a server that has just been made can
    hold none, and the stream's runs say so.
    """
    version = _own_version(version_of(client))
    before, text, new, unadded = _text(settings)
    described = file.read(text)
    blocks = _blocks(client)
    made, problems = _made(described, settings.project, [slug for slug, secret in blocks.items() if secret])
    automation, wrong = automations.read(settings.project)
    problems += wrong
    pools = {pool["name"]: pool for pool in all_of(client, "/work_pools/filter")}
    problems += _problems(made, settings, pools)
    missing, awaited = _missing_blocks(made, settings, blocks)
    problems += missing if blocks_later else [*missing, *awaited]
    for pool in sorted({deployment.queue[0] for _, deployment in made} & pools.keys()):
        problems += checks.unlike_workers(client, pool, version)
    if problems:
        raise NotDeployable(problems)
    wanted = State({each.title: each for _, each in made}, automation, _queues(each for _, each in made))
    found = found_on(client, {pool for pool, _ in wanted.queues})
    changes = difference(wanted, found, prune=prune)
    left = [] if prune else [*(each.title for each in strangers(wanted, found)), *strange_schedules(wanted, found)]
    touched = sum(change.kind == "deployment" and change.how != "remove" for change in changes)
    return Plan(changes, len(made) - touched, left, new, unadded, before, text, found, awaited)


def _own_version(server: str) -> str:
    import prefect

    mine = prefect.__version__
    if mine.split(".")[:2] != server.split(".")[:2]:
        raise NotDeployable([
            Problem(file.NAME, None, f"the server is Prefect {server}, and this is {mine}. Run the same on both sides.")
        ])  # fmt: skip
    return mine


def _text(settings: Settings) -> tuple[str, str, list[str], list[str]]:
    """Return the file; the same with the entries that it lacks, of which streams; and those that cannot be added."""
    path = settings.project / file.NAME
    try:
        text = entries.content(path)
    except (OSError, UnicodeDecodeError) as error:
        raise FileUnread(f"{path} cannot be read: {error}. Put the project's file there.") from error
    document, _ = file.loaded(text)
    lacking = entries.undeployed(document, settings.streams)
    names = [stream.name for stream in lacking]
    new = entries.with_entries(text, lacking) if lacking else text
    return (text, text, [], names) if new is None else (text, new, names, [])


def _made(
    described: Described, project: Path, secret_blocks: Sequence[str]
) -> tuple[list[tuple[Entry, Deployment]], list[Problem]]:
    made, problems = [], list(described.problems)
    for entry in described.entries:
        secrets = list(checks.in_clear(entry, secret_blocks))
        problems += secrets
        try:
            if not secrets:
                made.append((entry, wanted_of(entry, described.actions, project)))
        except Unfit as unfit:
            problems.append(unfit.problem)
    problems += checks.repeated(made)
    return made, problems


def _problems(
    made: Sequence[tuple[Entry, Deployment]], settings: Settings, pools: Mapping[str, Mapping[str, Any]]
) -> Iterator[Problem]:
    catalog = Catalog(settings.streams)
    for entry, deployment in made:
        yield from checks.in_clear_once_filled_in(entry, deployment)
        yield from checks.unfit_parameters(entry, deployment)
        yield from checks.unfit_stream(entry, deployment, catalog, settings.expectations)
        yield from checks.unfit_pool(entry, deployment, pools)


def _missing_blocks(
    made: Sequence[tuple[Entry, Deployment]], settings: Settings, blocks: Mapping[str, bool]
) -> tuple[list[Problem], list[Problem]]:
    """Return what parameters refer to and the server lacks, and the same of what streams name."""
    catalog = Catalog(settings.streams)
    referred = [
        problem
        for entry, deployment in made
        for slug, path in checks.references_of(deployment)
        for problem in checks.missing_block(entry, slug, blocks, *path)
    ]
    named = [
        problem
        for entry, deployment in made
        if (slug := checks.stream_block_of(deployment, catalog))
        for problem in checks.missing_block(entry, slug, blocks, "parameters", "stream")
    ]
    return referred, named


def _blocks(client: "SyncPrefectClient") -> dict[str, bool]:
    """Return the blocks that there are, by name and by id, and whether they keep a secret."""
    return {
        name: bool(each["block_schema"]["fields"].get("secret_fields"))
        for each in all_of(client, "/block_documents/filter")
        for name in (f"{each['block_type']['slug']}/{each['name']}", each["id"])
    }


def _queues(deployments: Iterator[Deployment]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        each.queue: {"name": each.queue[1], **({"priority": 1} if each.queue[1] == HIGH else {})}
        for each in deployments
    }
