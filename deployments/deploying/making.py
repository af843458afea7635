"""Makes one change on the Prefect server, or takes it back. Both may be repeated: they end in the same state."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from deployments.deploying.difference import Change, alike, own_of
from deployments.deploying.found import speaking_of
from deployments.deploying.model import THIS, Deployment, State
from deployments.prefect_api import all_of

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

_OF_A_SCHEDULE = ("schedule", "parameters", "active", "slug", "max_scheduled_runs")


class Making:
    """Changes a server that was found to be like `found`."""

    def __init__(self, client: "SyncPrefectClient", found: State, *, prune: bool) -> None:
        self._client = client
        self._found = found
        self._prune = prune

    def make(self, change: Change) -> None:
        """Make a change. An error of httpx means *unknown*: take it back."""
        if change.kind == "queue":
            self._add(f"/work_pools/{change.name.partition('/')[0]}/queues", change.target)
        elif change.kind == "automation" and change.how == "remove":
            self._ask("DELETE", f"/automations/{change.origin['id']}")
        elif change.kind == "automation":
            self._automation(change.target, change.origin)
        elif change.how == "remove":
            self._ask("DELETE", f"/deployments/{change.origin.id}")
            self._disown(change.origin.id)
        elif change.how == "add":
            self._create(change.target)
        else:
            self._update(change.target, change.origin)

    def take_back(self, change: Change) -> None:
        """Let everything that a change may have done be as it was found."""
        if change.kind == "queue":
            self._remove_queue(change.name)
        elif change.kind == "automation":
            if change.how != "remove":  # the one that it was like stands for it
                self._put_automation_back(change)
        elif change.how == "remove":
            if not self._there(change.origin):
                self._disown(change.origin.id)
                self._create(change.origin)
        elif change.how == "add":
            self._remove_new(change.target)
        else:
            self._restore(change.origin)

    def _create(self, wanted: Deployment) -> None:
        flow = wanted.flow_id or self._ask("POST", "/flows/", {"name": wanted.flow})["id"]
        schedules = [{"slug": slug, "active": True} | _kept(each) for slug, each in wanted.schedules.items()]
        body = {**wanted.fields, "flow_id": flow, "name": wanted.name, "schedules": schedules}
        self._own(self._ask("POST", "/deployments/", body)["id"], wanted.automations)

    def _update(self, wanted: Deployment, there: Deployment) -> None:
        changed = {**wanted.fields, "work_queue_name": wanted.queue[1]}
        if any(there.fields.get(name) != value for name, value in changed.items()):
            self._ask("PATCH", f"/deployments/{there.id}", changed)
        for slug, schedule in wanted.schedules.items():
            old = there.schedules.get(slug)
            if old is None:
                body = {"active": True, **schedule, "slug": slug}
                self._add(f"/deployments/{there.id}/schedules", [body])
            elif any(old[name] != value for name, value in schedule.items()):
                self._ask("PATCH", f"/deployments/{there.id}/schedules/{old['id']}", {**schedule, "slug": slug})
        if self._prune:
            for slug in there.schedules.keys() - wanted.schedules.keys():
                self._ask("DELETE", f"/deployments/{there.id}/schedules/{there.schedules[slug]['id']}")
        if alike(own_of(wanted, there)) != alike(wanted.automations):
            self._disown(there.id)
            self._own(there.id, wanted.automations)

    def _restore(self, origin: Deployment) -> None:
        """Let a deployment be what it was: its fields, its schedules, and what it owns."""
        self._ask("PATCH", f"/deployments/{origin.id}", dict(origin.fields))
        now = {each["id"]: each for each in self._ask("GET", f"/deployments/{origin.id}/schedules")}
        was = {each["id"]: each for each in origin.schedules.values()}
        for id_ in now.keys() - was.keys():
            self._ask("DELETE", f"/deployments/{origin.id}/schedules/{id_}")
        for id_, schedule in was.items():
            if id_ not in now:
                self._ask("POST", f"/deployments/{origin.id}/schedules", [_kept(schedule)])
            elif _kept(now[id_]) != _kept(schedule):
                self._ask("PATCH", f"/deployments/{origin.id}/schedules/{id_}", _kept(schedule))
        was_there = {each["id"] for each in origin.automations}
        if was_there != {each["id"] for each in self._automations_of(origin)}:
            self._disown(origin.id)
            stayed = {each["id"] for each in self._automations_of(origin)}
            self._own(origin.id, [each for each in origin.automations if each["id"] not in stayed])

    def _disown(self, id_: str) -> None:
        """Remove the triggers: the server keeps them when their deployment goes, and goes on trying to run it."""
        self._ask("DELETE", f"/automations/owned-by/prefect.deployment.{id_}")

    def _remove_new(self, made: Deployment) -> None:
        there = self._there(made)
        if there:
            self._disown(there)
            self._ask("DELETE", f"/deployments/{there}")
        named = {"flows": {"name": {"any_": [made.flow]}}}
        if made.flow not in self._found.flows and not self._ask("POST", "/deployments/filter", named):
            for flow in self._ask("POST", "/flows/filter", named):  # with it would go what others deployed meanwhile
                self._ask("DELETE", f"/flows/{flow['id']}")

    def _there(self, deployment: Deployment) -> str | None:
        wanted = {"flows": {"name": {"any_": [deployment.flow]}}, "deployments": {"name": {"any_": [deployment.name]}}}
        found = self._ask("POST", "/deployments/filter", wanted)
        return str(found[0]["id"]) if found else None

    def _automations_of(self, deployment: Deployment) -> list[dict[str, Any]]:
        return speaking_of(deployment.id, all_of(self._client, "/automations/filter"))

    def _own(self, id_: str, automations: Sequence[Mapping[str, Any]]) -> None:
        for each in automations:
            own = json.loads(json.dumps(_core(each)).replace(THIS, id_))
            self._ask("POST", "/automations/", {**own, "owner_resource": f"prefect.deployment.{id_}"})

    def _automation(self, target: Mapping[str, Any], origin: Mapping[str, Any] | None) -> None:
        if origin is None:
            self._ask("POST", "/automations/", _core(target))
        else:
            self._ask("PUT", f"/automations/{origin['id']}", _core({**target, "enabled": origin["enabled"]}))

    def _put_automation_back(self, change: Change) -> None:
        if change.origin is not None:
            self._ask("PUT", f"/automations/{change.origin['id']}", _core(change.origin))
            return
        for each in all_of(self._client, "/automations/filter"):
            if each["name"] == change.name:
                self._ask("DELETE", f"/automations/{each['id']}")

    def _remove_queue(self, name: str) -> None:
        """Remove a queue, and let the others of its pool go before and after each other as they did."""
        pool, _, queue = name.partition("/")
        now = {each["name"]: each for each in all_of(self._client, f"/work_pools/{pool}/queues/filter")}
        if queue in now:
            self._ask("DELETE", f"/work_pools/{pool}/queues/{queue}")
        for (of, other), was in self._found.queues.items():
            if of == pool and other in now and now[other]["priority"] != was["priority"]:
                self._ask("PATCH", f"/work_pools/{pool}/queues/{other}", {"priority": was["priority"]})

    def _add(self, path: str, body: Any) -> None:
        """Add what may be there by now: the client asks again where an answer was lost, and others deploy too."""
        import httpx

        try:
            self._ask("POST", path, body)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != HTTPStatus.CONFLICT:
                raise

    def _ask(self, method: Any, path: Any, body: Any = None) -> Any:
        answer = self._client.request(method, path, **({} if body is None else {"json": body}))
        return answer.json() if answer.content else None


def _kept(schedule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: schedule[name] for name in _OF_A_SCHEDULE if schedule.get(name) is not None}


def _core(automation: Mapping[str, Any]) -> dict[str, Any]:
    """Return an automation as it is given to the server."""
    from prefect.events.schemas.automations import AutomationCore

    return AutomationCore.model_validate(automation).model_dump(mode="json", exclude={"owner_resource"})
