"""What is asked of the Prefect server. Each answer is a sentence, and so is each error."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments import POOL
from deployments.prefect_api import PrefectIncomplete, prefect_client

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datastream.catalog import Stream


def work_pool() -> str:
    """Ask for the pool and a worker that lives."""
    from prefect.exceptions import ObjectNotFound

    with prefect_client() as client:
        try:
            pool = client.read_work_pool(POOL)
        except ObjectNotFound as error:
            raise PrefectIncomplete(
                f"There is no work pool {POOL!r}. `datastream up` makes it, and so does "
                f"`prefect work-pool create {POOL} --type process`."
            ) from error
        ready = pool.status is not None and pool.status.value == "READY"
    if not ready:
        raise PrefectIncomplete(
            f"No worker of the pool {POOL!r} has been heard from lately, so nothing that is scheduled runs. Start one "
            f"with `datastream up`, or `prefect worker start --pool {POOL}`."
        )
    return f"The pool {POOL!r} has a worker that lives."


def warm_starts(pool: str = POOL) -> str:
    """Ask whether the pool's runs ask for a warm start, and whether this machine's workers can give it."""
    import socket

    from prefect.exceptions import ObjectNotFound

    from deployments.warm.door import who_answers
    from deployments.warm.place import project
    from deployments.warm.wiring import wired

    with prefect_client() as client:
        try:
            asks = wired(client.read_work_pool(pool).base_job_template or {})
            workers = client.read_workers_for_work_pool(pool)
        except ObjectNotFound:
            return f"There is no work pool {pool!r} to give them to."
        here = [each.name for each in workers if each.status == "ONLINE" and each.name.startswith(socket.gethostname())]
    if not asks:
        return f"Runs of {pool!r} do not ask for them. `datastream warm --wire {pool}` makes them ask."
    parent = who_answers(project()) or who_answers("")
    if parent:
        return f"Process {parent} has loaded this code, and forks the runs of this machine's workers."
    if here:
        raise PrefectIncomplete(
            f"The worker {here[0]!r} is of this machine, and no warm parent runs here for this Python, code and user: "
            "each run starts cold, which takes seconds longer. Start one with `datastream warm`, or `datastream up`."
        )
    return f"Runs of {pool!r} ask for them. On this machine is no warm parent, and no worker of `datastream workers`."


def deployments(project: Path) -> str:
    """Compare prefect.yaml with what is deployed."""
    wanted = _entries(project)
    with prefect_client() as client:
        there = {(found.entrypoint, found.name) for found in client.read_deployments()}
    missing = [f"{e['name']} ({e['entrypoint']})" for e in wanted if (e["entrypoint"], e["name"]) not in there]
    if missing:
        raise PrefectIncomplete(
            f"prefect.yaml has {', '.join(missing)}, which is not deployed. Run `datastream deploy apply`."
        )
    return f"All {len(wanted)} entries of prefect.yaml are deployed."


def blocks_of(project: Path, streams: "Iterable[Stream]") -> list[str]:
    """Return the names of the blocks that streams and prefect.yaml name."""
    named = {stream.source.block for stream in streams if isinstance(stream.source.block, str)}
    try:
        parameters = [value for entry in _entries(project) for value in entry.get("parameters", {}).values()]
    except PrefectIncomplete:
        parameters = []  # it is told once, by `deployments`
    references = [value["$ref"] for value in parameters if isinstance(value, dict) and "$ref" in value]
    return sorted(named | {ref["block_document_slug"] for ref in references if "block_document_slug" in ref})


def block(name: str) -> str:
    """Load a block, and ask it how it is."""
    import blocks
    from blocks.loading import load

    kinds = {kind.get_block_type_slug(): kind for kind in map(blocks.__dict__.__getitem__, blocks.__all__)}
    slug = name.partition("/")[0]
    if slug not in kinds:
        raise PrefectIncomplete(f"{name!r} is none of our blocks: {', '.join(kinds)}. Correct its name.")
    with prefect_client():
        return str(load(kinds[slug], name, "Something here needs").check())


def _entries(project: Path) -> list[dict[str, Any]]:
    """Return the deployments of prefect.yaml. Raises PrefectIncomplete."""
    import yaml

    file = project / "prefect.yaml"
    try:
        entries: list[dict[str, Any]] = yaml.safe_load(file.read_text())["deployments"]
        return [{"entrypoint": entry["entrypoint"], **entry} for entry in entries]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise PrefectIncomplete(
            f"{file} names no deployments that can be read ({type(error).__name__}: {error}). Put the project's file "
            "back, and run `datastream deploy apply`."
        ) from error
