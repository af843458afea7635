"""Turns an entry of prefect.yaml into the deployment that `prefect deploy` makes of it, with Prefect's own functions.

The steps, and their order, are those of prefect/cli/deploy/_core.py of the release that is pinned; a test holds both
against each other. What Prefect only warns of, or finds out when half is deployed, is a problem here.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from deployments.deploying.file import Entry
from deployments.deploying.model import THIS, Deployment
from deployments.deploying.problem import Unfit
from deployments.deploying.schedules import schedules_of
from deployments.deploying.secrecy import called_like_a_secret, looks_like_a_secret, texts

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.deployments.runner import RunnerDeployment

_BANNED = "/%&<>"
_DUMPED = (
    "version", "description", "parameters", "tags", "concurrency_limit", "concurrency_options", "work_pool_name",
    "work_queue_name", "job_variables", "entrypoint", "enforce_parameter_schema",
)  # fmt: skip


def wanted_of(entry: Entry, actions: Mapping[str, Any], project: Path) -> Deployment:
    """Return the deployment that an entry describes. Raises Unfit."""
    described = _templated(entry)
    flow = _flow(entry, str(described.get("entrypoint") or ""), project)
    _refuse_steps(entry, actions)
    name = _named(entry, described)
    with _as_problems(entry):
        schedules = schedules_of(entry, described)
        pull = _pull_steps(entry, described, actions, project)
        with in_folder(project):
            runner = _runner(described, flow, name, pull)
        triggers = [deepcopy(spec) for spec in entry.described.get("triggers") or []]
        automations = tuple(_automations(name, triggers))
    fields = runner.model_dump(mode="json", include=set(_DUMPED))
    fields |= {"parameter_openapi_schema": runner._parameter_openapi_schema.model_dump(exclude_unset=True)}  # noqa: SLF001
    fields |= {"pull_steps": pull, "path": None}
    if (limit := fields["concurrency_limit"]) is not None and limit < 1:
        raise Unfit(entry.problem("its concurrency_limit lets no run start. Give it 1 or more.", "concurrency_limit"))
    if described.get("paused") is not None:
        fields["paused"] = described["paused"]
    by_the_way = frozenset() if described.get("version") else frozenset({"version"})  # then it is git's
    return Deployment(flow.name, name, fields, schedules, automations, by_the_way)


def _templated(entry: Entry) -> dict[str, Any]:
    """Return the entry with blocks, variables and the environment filled in."""
    from prefect.cli.deploy._config import _merge_with_default_deploy_config
    from prefect.utilities.templating import apply_values, find_placeholders

    said = {key: value for key, value in entry.described.items() if value is not None}
    described = _merge_with_default_deploy_config(said)
    if "{{" not in str(entry.described):
        return described
    described = _resolved(entry, described)
    described = cast("dict[str, Any]", apply_values(described, dict(os.environ), remove_notset=False))
    rest = {key: value for key, value in described.items() if key not in ("build", "push", "pull", "triggers")}
    for path, text in texts(rest):
        unset = [each.full_match for each in find_placeholders(text) if not each.name.startswith("ctx.")]
        if unset:
            raise Unfit(
                entry.problem(f"{', '.join(sorted(unset))} stands for nothing here. Set it, or leave it out.", *path)
            )
    return described


def _resolved(entry: Entry, described: dict[str, Any]) -> dict[str, Any]:
    from prefect.exceptions import ObjectNotFound
    from prefect.utilities.templating import resolve_block_document_references, resolve_variables

    try:
        blocks = asyncio.run(resolve_block_document_references(described))
        found: dict[str, Any] = asyncio.run(resolve_variables(blocks))
    except (ValueError, ObjectNotFound) as error:
        raise Unfit(entry.problem(f"{error} Correct the template, or make what it names.")) from error
    return found


def _flow(entry: Entry, entrypoint: str, project: Path) -> "Flow[Any, Any]":
    from prefect.flows import load_flow_from_entrypoint

    if not entrypoint or "." not in entrypoint:
        raise Unfit(entry.problem("has no entrypoint such as flows.etl_pipeline.etl_pipeline. Add it.", "entrypoint"))
    try:
        with in_folder(project), redirect_stdout(StringIO()):
            return load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    except (Exception, SystemExit) as error:  # what is imported is anybody's code
        cause = getattr(error, "user_exc", None) or error
        said = str(cause).strip().splitlines()
        raise Unfit(
            entry.problem(
                f"{entrypoint} cannot be imported: {type(cause).__name__}: {said[-1] if said else 'it says nothing'}. "
                "Correct the entrypoint, or what it imports; a worker would fail in the same way.",
                "entrypoint",
            )
        ) from error


@contextmanager
def in_folder(project: Path) -> Iterator[None]:
    """Stand in the project, as `prefect deploy` and a worker do: its own packages come before installed ones."""
    import sys
    from contextlib import chdir

    with chdir(project):
        sys.path.insert(0, str(project))
        try:
            yield
        finally:
            sys.path.remove(str(project))


def _refuse_steps(entry: Entry, actions: Mapping[str, Any]) -> None:
    for kind in ("build", "push"):
        if entry.described.get(kind, actions.get(kind)):
            raise Unfit(
                entry.problem(
                    f"has {kind} steps, which nobody can look at before they run or take back. Run them before, "
                    "and leave them out here; or deploy it with `prefect deploy --name`.", kind,
                )
            )  # fmt: skip


def _named(entry: Entry, described: Mapping[str, Any]) -> str:
    name = described.get("name")
    if not name:
        raise Unfit(entry.problem("has no name, and Prefect would pass it over. Give it one."))
    if any(sign in str(name) for sign in _BANNED):
        raise Unfit(entry.problem(f"a name may hold none of {' '.join(_BANNED)}. Give it another.", "name"))
    if not str(name).isprintable():
        raise Unfit(entry.problem("a name may hold no character that does not show. Give it another.", "name"))
    return str(name)


@contextmanager
def _as_problems(entry: Entry) -> Iterator[None]:
    from pydantic import ValidationError

    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        said = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise Unfit(
            entry.problem(f"{'.'.join(map(str, first['loc']))}: {said}. Correct it.", *first["loc"][:1])
        ) from error


def _pull_steps(entry: Entry, described: dict[str, Any], actions: Mapping[str, Any], project: Path) -> list[Any]:
    """Return the pull steps, as they are written: what they hold is filled in when a run begins."""
    from prefect.cli.deploy._actions import _generate_default_pull_action
    from prefect.utilities.templating import apply_values
    from rich.console import Console

    given = entry.described["pull"] if "pull" in entry.described else actions.get("pull")
    if given is None:
        no_steps: Any = {"build": []}  # Prefect's own type for it is not what it takes
        with in_folder(project):
            given = asyncio.run(
                _generate_default_pull_action(
                    Console(file=StringIO()), described, no_steps, is_interactive=lambda: False
                )
            )
    for where, text in texts(given, ("pull",)):
        if "{{" not in text and (looks_like_a_secret(text) or any(called_like_a_secret(str(part)) for part in where)):
            raise Unfit(
                entry.problem(
                    f"{'.'.join(map(str, where))} looks like a secret, and whoever may look at Prefect can read it "
                    "there. Name a block, which is looked up when a run begins: {{ prefect.blocks.secret.NAME }}.",
                    *where,
                )
            )  # fmt: skip
    return cast("list[Any]", apply_values(given, {}, remove_notset=False))


def _runner(described: dict[str, Any], flow: "Flow[Any, Any]", name: str, pull: list[Any]) -> "RunnerDeployment":
    from prefect.cli.deploy._storage import _PullStepStorage
    from prefect.deployments.runner import RunnerDeployment
    from prefect.utilities.templating import apply_values

    rest = {key: value for key, value in described.items() if key not in ("schedules", "triggers")}
    filled = apply_values(rest, {}, skip_prefixes=["ctx."])
    limit, pool = filled.get("concurrency_limit"), filled.get("work_pool") or {}
    options = None
    if isinstance(limit, dict):
        options = {
            key: limit[key] for key in ("collision_strategy", "grace_period_seconds") if limit.get(key) is not None
        }
        limit = limit.get("limit")
    runner = RunnerDeployment(
        name=name, flow_name=flow.name, entrypoint=filled["entrypoint"], work_pool_name=pool.get("name"),
        work_queue_name=pool.get("work_queue_name"), parameters=filled.get("parameters"),
        description=filled.get("description") or flow.description, version=filled.get("version"),
        version_type=filled.get("version_type"), tags=filled.get("tags"), concurrency_limit=limit,
        concurrency_options=options, paused=filled.get("paused"), storage=_PullStepStorage(pull),
        job_variables=pool.get("job_variables"),
    )  # fmt: skip
    runner._set_defaults_from_flow(flow)  # noqa: SLF001 - as `prefect deploy` does
    if filled.get("enforce_parameter_schema") is not None:
        runner.enforce_parameter_schema = filled["enforce_parameter_schema"]
    runner._get_deployment_version_info(runner.version_type)  # noqa: SLF001 - it sets the version that git knows
    return runner


def _automations(name: str, triggers: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    from prefect.cli.deploy._triggers import _initialize_deployment_triggers
    from prefect.utilities.templating import apply_values

    for spec in triggers:
        parameters = spec.pop("parameters", None)
        filled = apply_values(spec, {})
        spec.clear()
        spec.update(filled, **({"parameters": parameters} if parameters is not None else {}))
    for trigger in _initialize_deployment_triggers(name, triggers):
        trigger.set_deployment_id(UUID(THIS))
        yield trigger.as_automation().model_dump(mode="json")
