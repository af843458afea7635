"""What the Prefect server has, in the shape in which it is wanted."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deployments.deploying.model import THIS, Deployment, State
from deployments.prefect_api import all_of

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

FIELDS = (
    "version", "description", "parameters", "tags", "concurrency_options", "work_pool_name", "work_queue_name",
    "job_variables", "entrypoint", "enforce_parameter_schema", "parameter_openapi_schema", "pull_steps", "path",
    "paused",
)  # fmt: skip


def found_on(client: "SyncPrefectClient", pools: set[str]) -> State:
    """Return what is there; of queues, those of these pools."""
    flows = {flow["id"]: flow["name"] for flow in all_of(client, "/flows/filter")}
    automations = all_of(client, "/automations/filter")
    deployments = [
        deployment_of(said, flows[said["flow_id"]], speaking_of(said["id"], automations))
        for said in all_of(client, "/deployments/filter")
        if said["flow_id"] in flows
    ]
    newest_first = sorted(automations, key=lambda each: str(each["created"]), reverse=True)
    by_name = {each["name"]: each for each in newest_first}
    queues = {
        (pool, queue["name"]): queue
        for pool in sorted(pools)
        for queue in all_of(client, f"/work_pools/{pool}/queues/filter")
    }
    return State(
        deployments={each.title: each for each in deployments},
        automations=by_name,
        doubled=[each for each in automations if each is not by_name[each["name"]]],
        queues=queues,
        flows={name: id_ for id_, name in flows.items()},
    )


def deployment_of(said: Mapping[str, Any], flow: str, automations: Sequence[Mapping[str, Any]]) -> Deployment:
    """Return a deployment as the server describes it."""
    limit = (said.get("global_concurrency_limit") or {}).get("limit")
    fields = {name: said.get(name) for name in FIELDS} | {"concurrency_limit": limit}
    schedules = {each.get("slug") or each["id"]: each for each in said["schedules"]}
    return Deployment(flow, said["name"], fields, schedules, automations, id=said["id"], flow_id=said["flow_id"])


def speaking_of(id_: str, automations: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the automations that speak of a deployment, without its id in them."""
    texts = map(json.dumps, automations)
    return [json.loads(text.replace(id_, THIS)) for text in texts if id_ in text]
