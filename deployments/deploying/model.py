"""What can be deployed, as Prefect's API says it: the same for what is wanted and for what is found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

THIS = "00000000-0000-0000-0000-000000000000"
"""Stands for the deployment's own id in its automations: a new one has none yet."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment. What its file does not say of pauses is in no field: a person's pause stays."""

    flow: str
    name: str
    fields: Mapping[str, Any]
    schedules: Mapping[str, Mapping[str, Any]]
    """By slug; those without one are found, and never wanted: they are kept by their ids."""
    automations: Sequence[Mapping[str, Any]] = ()
    """What its triggers became; of one that is found, all that speak of it: the server does not tell who owns them."""
    by_the_way: frozenset[str] = frozenset()
    """Fields that its file does not name and that every commit of the project changes: they go along with a change."""
    id: str = ""
    flow_id: str = ""

    @property
    def title(self) -> str:
        """How people call it."""
        return f"{self.flow}/{self.name}"

    @property
    def queue(self) -> tuple[str, str]:
        """Its work pool and queue."""
        return self.fields["work_pool_name"] or "", self.fields["work_queue_name"] or "default"


@dataclass(frozen=True, slots=True)
class State:
    """Everything that is deployed, or is to be, by name."""

    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    automations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    queues: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """By pool and name."""
    doubled: Sequence[Mapping[str, Any]] = ()
    """Automations whose name an older one has."""
    flows: Mapping[str, str] = field(default_factory=dict)
    """The ids of flows, by name."""
