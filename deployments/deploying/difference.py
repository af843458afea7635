"""What has to change for the server to hold what is wanted, field by field.

What nobody wanted is left out of it, but for what is to be pruned. Pauses count where the file speaks of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deployments.deploying.model import Deployment, State
from deployments.deploying.secrecy import MASKED, called_like_a_secret, looks_like_a_secret

Kind = Literal["deployment", "queue", "automation"]
How = Literal["add", "change", "remove"]
_OF_AN_AUTOMATION = ("description", "tags", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")
"""Not whether it is enabled: that counts when it is made, and is a person's from then on."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One value that changes; as it may be shown."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changes; `target` and `origin` are what it becomes and what it was."""

    how: How
    kind: Kind
    name: str
    fields: Sequence[FieldChange] = ()
    target: Any = None
    origin: Any = None


def difference(wanted: State, found: State, *, prune: bool) -> list[Change]:
    """Return the changes, in the order in which they can be made: what is removed goes last."""
    changes = [
        Change("add", "queue", "/".join(key), (), queue)
        for key, queue in wanted.queues.items()
        if key not in found.queues
    ]
    for title, deployment in wanted.deployments.items():
        there = found.deployments.get(title)
        if there is None:
            changes.append(Change("add", "deployment", title, (), deployment))
            continue
        fields = list(_deployment_fields(deployment, there, prune=prune))
        if any(changed.field not in deployment.by_the_way for changed in fields):
            changes.append(Change("change", "deployment", title, fields, deployment, there))
    for name, automation in wanted.automations.items():
        before = found.automations.get(name)
        if before is None:
            changes.append(Change("add", "automation", name, (), automation))
        elif fields := list(_changes(comparable(before), comparable(automation))):
            changes.append(Change("change", "automation", name, fields, automation, before))
    changes += (
        Change("remove", "automation", each["name"], (), None, each)
        for each in found.doubled  # made by two who deployed at once; what only has the name is somebody's own
        if (known := wanted.automations.get(each["name"])) and comparable(each) == comparable(known)
    )
    if prune:
        changes += (Change("remove", "deployment", each.title, (), None, each) for each in strangers(wanted, found))
    return changes


def strangers(wanted: State, found: State) -> list[Deployment]:
    """Return the deployments that nobody wants, of the work pools of those that are wanted."""
    pools = {deployment.queue[0] for deployment in wanted.deployments.values()}
    return [
        each for title, each in found.deployments.items() if title not in wanted.deployments and each.queue[0] in pools
    ]


def strange_schedules(wanted: State, found: State) -> list[str]:
    """Return the schedules that nobody wants, of deployments that are wanted."""
    return [
        f"{title} by {slug}"
        for title, deployment in wanted.deployments.items()
        for slug in (found.deployments[title].schedules if title in found.deployments else ())
        if slug not in deployment.schedules
    ]


def comparable(automation: Mapping[str, Any]) -> dict[str, Any]:
    """Return an automation without what the server adds to it, and without its switch."""
    from prefect.events.schemas.automations import AutomationCore

    dumped = AutomationCore.model_validate(automation).model_dump(mode="json", include=set(_OF_AN_AUTOMATION))
    cleaned: dict[str, Any] = _without_ids(dumped)
    return cleaned


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_ids(within) for key, within in value.items() if key != "id"}
    return [_without_ids(within) for within in value] if isinstance(value, list) else value


def _deployment_fields(wanted: Deployment, there: Deployment, *, prune: bool) -> Iterator[FieldChange]:
    before = {name: there.fields.get(name) for name in wanted.fields}
    yield from _changes(before, dict(wanted.fields) | {"work_queue_name": wanted.queue[1]})
    for slug, schedule in wanted.schedules.items():
        old = there.schedules.get(slug)
        known = {name: old[name] for name in schedule} if old else None
        yield from _changes(known, schedule, ("schedules", slug))
    if prune:
        yield from (FieldChange(f"schedules.{slug}", _shown(there.schedules[slug]["schedule"], ()), None)
                    for slug in there.schedules if slug not in wanted.schedules)  # fmt: skip
    own = own_of(wanted, there)
    if alike(own) != alike(wanted.automations):
        was, will = ({each["name"]: _own(each) for each in side} for side in (own, wanted.automations))
        names = ([each["name"] for each in side] for side in (own, wanted.automations))
        yield from list(_changes(was, will, ("triggers",))) or [FieldChange("triggers", *names)]  # one is there twice


def own_of(wanted: Deployment, there: Deployment) -> list[Mapping[str, Any]]:
    """Return those of the automations that speak of a deployment which are its triggers, as far as names tell."""
    names = {each["name"] for each in wanted.automations}
    unnamed = f"{there.name}__automation_"
    return [each for each in there.automations if each["name"] in names or each["name"].startswith(unnamed)]


def alike(automations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return automations to be compared; a deployment's triggers are its file's, switch and all."""
    return sorted(str({"name": each["name"], **_own(each)}) for each in automations)


def _own(automation: Mapping[str, Any]) -> dict[str, Any]:
    return {"enabled": automation["enabled"], **comparable(automation)}


def _changes(before: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[FieldChange]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _changes(before.get(key), after.get(key), (*path, str(key)))
        return
    yield FieldChange(".".join(path), _shown(before, path), _shown(after, path))


def _shown(value: Any, path: tuple[str, ...]) -> Any:
    """Return a value as it may be shown: variables of an environment, and what looks like a secret, are masked."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: _shown(within, (*path, str(key))) for key, within in value.items()}
    if isinstance(value, list):
        return [_shown(within, path) for within in value]
    hidden = path[:2] == ("job_variables", "env") or looks_like_a_secret(value)
    own = path[:1] in (("parameters",), ("job_variables",), ("schedules",), ("triggers",)) and any(
        map(called_like_a_secret, path[1:])
    )
    return MASKED if hidden or own else value
