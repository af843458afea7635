"""Holds what is wanted against its flow, its stream and the server, before anything is changed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datastream.catalog import Catalog, Stream
from datastream.errors import DatastreamError
from deployments.deploying.file import NAME, Entry
from deployments.deploying.model import Deployment
from deployments.deploying.problem import Problem
from deployments.deploying.secrecy import Place, secrets_by_schema, secrets_in, texts

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

_BLOCKS = "prefect.blocks."
_REFERENCES = ("block_document_slug", "block_document_id")


def repeated(named: Sequence[tuple[Entry, Deployment]]) -> Iterator[Problem]:
    """Yield the deployments that are described twice: the second would take the place of the first."""
    first: dict[str, Entry] = {}
    for entry, deployment in named:
        if deployment.title in first:
            line = first[deployment.title].problem("", "name").line
            yield entry.problem(f"{deployment.title} is described in line {line} too. Give one another name.", "name")
        first.setdefault(deployment.title, entry)


def in_clear(entry: Entry, secret_blocks: Collection[str]) -> Iterator[Problem]:
    """Yield secrets that are written, or would be filled in, where everybody reads them."""
    for path, value in _shown_to_all(entry.described):
        for where in secrets_in(value, path):
            yield entry.problem(
                f"{'.'.join(map(str, where))} looks like a secret, and whoever may look at Prefect can read it there. "
                "Save it in a block and let the flow take the block, or set it in the worker's environment.", *where,
            )  # fmt: skip
        for where, text in texts(value, path):
            for slug in [each for each in filled_in(text) if each in secret_blocks]:
                yield entry.problem(
                    f"{'.'.join(map(str, where))} would hold what the block {slug!r} keeps, in clear: Prefect fills it "
                    f"in when it deploys. Refer to the block instead: {{$ref: {{block_document_slug: {slug}}}}}.",
                    *where,
                )


def _shown_to_all(described: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    """Yield what everybody reads and nobody else writes, and where it lies."""
    yield ("parameters",), described.get("parameters") or {}
    yield ("work_pool", "job_variables"), (described.get("work_pool") or {}).get("job_variables") or {}
    for part, key in (("schedules", "parameters"), ("triggers", "parameters"), ("triggers", "job_variables")):
        for index, each in enumerate(described.get(part) or []):
            yield (part, index, key), each.get(key) or {}


def in_clear_once_filled_in(entry: Entry, wanted: Deployment) -> Iterator[Problem]:
    """Yield secrets that came out of the environment or a variable."""
    for path, value in (*_given(wanted), (("work_pool", "job_variables"), wanted.fields["job_variables"])):
        for where in secrets_in(value, path):
            yield entry.problem(
                f"{'.'.join(map(str, where))} is filled in with what looks like a secret, and whoever may look at "
                "Prefect can read it there. Save it in a block and let the flow take the block.", *where,
            )  # fmt: skip


def filled_in(text: str) -> Iterator[str]:
    """Yield the blocks that a template names, as `{{ prefect.blocks.secret.token }}` does."""
    from prefect.utilities.templating import find_placeholders

    for each in find_placeholders(text):
        if each.name.startswith(_BLOCKS):
            yield "/".join(each.name.removeprefix(_BLOCKS).split(".")[:2])


def unfit_parameters(entry: Entry, wanted: Deployment) -> Iterator[Problem]:
    """Yield what the flow would not take, as the server judges it and as the flow itself would when it is run."""
    given, schema = wanted.fields["parameters"], wanted.fields["parameter_openapi_schema"]
    for path, parameters in _given(wanted):
        yield from _unfit(entry, parameters, schema, path)
    for slug, schedule in wanted.schedules.items():
        without = [each for each in schema.get("required", ()) if each not in given | schedule["parameters"]]
        if without:
            said = f"by its schedule {slug!r} it starts without {', '.join(without)}, which the flow needs."
            yield entry.problem(f"{said} Add it to the parameters.", "parameters")


def _given(wanted: Deployment) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Yield the parameters with which runs start: the deployment's, and what a schedule puts in their place."""
    yield ("parameters",), wanted.fields["parameters"]
    for index, schedule in enumerate(wanted.schedules.values()):
        yield ("schedules", index, "parameters"), schedule["parameters"]


def _unfit(entry: Entry, given: Mapping[str, Any], schema: Mapping[str, Any], path: Place) -> Iterator[Problem]:
    from prefect.utilities.schema_tools import ValidationError, validate

    known = schema.get("properties", {})
    for name in given:
        if name not in known:
            said = f"the flow takes no parameter {name!r}; it takes {', '.join(known) or 'none'}. Correct the name."
            yield entry.problem(said, *path, name)
    for where in secrets_by_schema(given, schema):
        way_out = "Save the block, and refer to it: {$ref: {block_document_slug: TYPE/NAME}}."
        said = f"{'.'.join(map(str, where))} is a secret, which whoever may look at Prefect can read there. {way_out}"
        yield entry.problem(said, *path, *where)
    try:
        validate(dict(given), dict(schema), raise_on_error=True, ignore_required=True)
    except ValidationError as error:
        yield entry.problem(f"its parameters do not fit the flow: {error}. Correct them.", *path)


def unfit_stream(entry: Entry, wanted: Deployment, catalog: Catalog, suites: Path) -> Iterator[Problem]:
    """Yield what is wrong with the stream that a flow of ours is to work on: its file, suite or transform."""
    from datastream.quality import load_suite
    from datastream.transform import load_transform

    name = wanted.fields["parameters"].get("stream")
    if not str(wanted.fields["entrypoint"]).startswith(("flows.", "flows/")) or not isinstance(name, str):
        return
    try:
        stream = catalog.upkeep(name)
        if isinstance(stream, Stream):
            load_suite(suites, stream.suite)
            load_transform(stream.transform)
    except DatastreamError as error:
        yield entry.problem(str(error), "parameters", "stream")


def references_of(wanted: Deployment) -> Iterator[tuple[str, Place]]:
    """Yield the blocks that a deployment refers to, each with the place that says so."""
    for path, given in _given(wanted):
        for where, named in texts(given, path):
            if where[-1] == "$ref" or (where[-2] == "$ref" and where[-1] in _REFERENCES):
                yield named, where[: where.index("$ref")]


def stream_block_of(wanted: Deployment, catalog: Catalog) -> str | None:
    """Return the block that a load's stream names, if it names one."""
    stream = wanted.fields["parameters"].get("stream")
    if wanted.flow != "etl-pipeline" or stream not in catalog.names():
        return None
    try:
        block = catalog.stream(stream).source.block
    except DatastreamError:
        return None  # it is told as such
    return block if isinstance(block, str) else None


def missing_block(entry: Entry, slug: str, there: Collection[str], *path: str | int) -> Iterator[Problem]:
    """Yield that the server has no block of that name."""
    if slug not in there:
        close = [each for each in sorted(there) if each.partition("/")[0] == slug.partition("/")[0]]
        known = f"There are of the kind: {', '.join(close)}." if close else "There is none of its kind."
        yield entry.problem(
            f"it needs the block {slug!r}, which is not on the server. {known} Save it in the UI under Blocks, or "
            "correct the name.", *path,
        )  # fmt: skip


def unfit_pool(entry: Entry, wanted: Deployment, pools: Mapping[str, Mapping[str, Any]]) -> Iterator[Problem]:
    """Yield what is wrong with the work pool, and with what the deployment sets of its job."""
    from prefect.utilities.schema_tools import ValidationError, validate

    name = wanted.queue[0]
    if name not in pools:
        known = f"There are: {', '.join(pools)}." if pools else "There is none."
        make = f"`prefect work-pool create {name} --type process`" if name else "a `work_pool: {name: ...}`"
        said = f"there is no work pool {name!r}" if name else "it names no work pool"
        yield entry.problem(f"{said}, so no worker would run it. {known} Make it with {make}.", "work_pool", "name")
        return
    template = pools[name].get("base_job_template", {}).get("variables")
    variables = wanted.fields["job_variables"]
    if template and variables:
        try:
            validate(variables, template, raise_on_error=True, preprocess=True, ignore_required=True)
        except ValidationError as error:
            where, _, _ = str(error).partition(" Failure reason")  # which shows the value
            said = f"its job variables do not fit the pool {name!r}: {where} Correct them."
            yield entry.problem(said, "work_pool", "job_variables")


def unlike_workers(client: "SyncPrefectClient", pool: str, version: str) -> Iterator[Problem]:
    """Yield workers of a pool that are another Prefect than the one that deploys, as their own events say.

    The server does not know what version a worker is; one that has told nobody is not judged.
    """
    from deployments.prefect_api import all_of

    for worker in all_of(client, f"/work_pools/{pool}/workers/filter"):
        told = _told_version(client, pool, worker["name"]) if worker.get("status") == "ONLINE" else None
        if told and told != version:
            yield Problem(
                NAME, None,
                f"the worker {worker['name']!r} of the pool {pool!r} is Prefect {told}, and this is {version}. What is "
                "deployed here may not run there: install the same version, and start the worker again.",
            )  # fmt: skip


def _told_version(client: "SyncPrefectClient", pool: str, worker: str) -> str | None:
    wanted = {
        "event": {"prefix": ["prefect.worker."]},
        "resource": {"labels": {"prefect.resource.name": [worker]}},
        "related": {"labels": {"prefect.resource.role": ["work-pool"], "prefect.resource.name": [pool]}},
        "order": "DESC",
    }
    said = client.request("POST", "/events/filter", json={"filter": wanted, "limit": 1}).json()
    versions = [event["resource"].get("prefect.version") for event in said.get("events", ())]
    return versions[0] if versions else None
