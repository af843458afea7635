"""Reads prefect.yaml with Prefect's own models, entry by entry, so that one that is wrong hides none of the others."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from datastream.catalog.lines import Lines, load_with_lines
from datastream.errors import Permanent
from deployments.deploying.problem import Problem

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

NAME = "prefect.yaml"


class FileUnread(Permanent):
    """There is no prefect.yaml that can be read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A deployment as the file describes it."""

    index: int
    described: Mapping[str, Any]
    """As Prefect takes it."""
    lines: Lines

    def problem(self, said: str, *path: str | int) -> Problem:
        """Return what is wrong with it, at the line of `path`."""
        name = self.described.get("name")
        which = f"deployment {name!r}" if name else f"deployment {self.index + 1}"
        return Problem(NAME, self.lines.of(("deployments", self.index, *path)), f"{which}: {said}")


@dataclass(frozen=True, slots=True)
class Described:
    """What the file says, and what is wrong with it."""

    entries: Sequence[Entry]
    actions: Mapping[str, Any]
    problems: Sequence[Problem]


def read(text: str) -> Described:
    """Return what the text of a prefect.yaml says. Raises FileUnread."""
    from pydantic import ValidationError

    document, lines = loaded(text)
    problems: list[Problem] = []
    rest = {key: value for key, value in document.items() if key != "deployments"}
    try:
        actions = _models().PrefectYamlModel.model_validate(rest).model_dump(include={"build", "push", "pull"})
    except ValidationError as error:
        problems += (Problem(NAME, lines.of((str(loc[0]),)), f"{'.'.join(map(str, loc))}: {said}.")
                     for loc, said in _wrong(error))  # fmt: skip
        actions = {"build": None, "push": None, "pull": None}
    deployments = document.get("deployments") or []
    if not isinstance(deployments, list):
        problems.append(Problem(NAME, lines.of(("deployments",)), "deployments is no list of them. Write it as one."))
        deployments = []
    entries = []
    for index, described in enumerate(deployments):
        entry, wrong = _entry(index, described, lines)
        problems += wrong
        entries += [entry] if entry else []
    return Described(entries, actions, problems)


def _models() -> Any:
    from prefect.cli.deploy import _models

    return _models


def loaded(text: str) -> tuple[dict[str, Any], Lines]:
    """Return the document and its lines. Raises FileUnread."""
    try:
        document, lines = load_with_lines(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise FileUnread(
            f"{NAME}{where}: this is not YAML: {error.problem or error.context}. Mend that line."
        ) from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise FileUnread(f"{NAME}: this is not YAML that can be read: {error}. Mend the file.") from error
    if not isinstance(document, dict):
        raise FileUnread(
            f"{NAME} describes no deployments: it must be a mapping with `deployments:`. Write them there."
        )
    return document, lines


def _entry(index: int, described: Any, lines: Lines) -> tuple[Entry | None, list[Problem]]:
    from pydantic import ValidationError

    if not isinstance(described, Mapping):
        empty = Entry(index, {}, lines)
        return None, [empty.problem("is no mapping. Begin it with `- name: `.")]
    entry = Entry(index, described, lines)
    wrong = list(_unknown(entry))
    try:
        model = _models().DeploymentConfig.model_validate(described)
    except ValidationError as error:
        wrong += (entry.problem(f"{'.'.join(map(str, loc))}: {said}. Correct it.", *loc) for loc, said in _wrong(error))
        return None, wrong
    except AttributeError as error:  # of a templated tag list, and the like, that Prefect's own validators trip over
        return None, [*wrong, entry.problem(f"cannot be read: {error}. Correct it.")]
    return Entry(index, model.model_dump(exclude_unset=True, mode="json"), lines), wrong


def _unknown(entry: Entry) -> Iterator[Problem]:
    """Yield the keys that Prefect would pass over without a word: of a trigger, it would answer to all that happens."""
    yield from _unknown_to(_models().DeploymentConfig, entry=entry, given=entry.described)
    yield from _unknown_to(
        _models().WorkPoolConfig, entry=entry, given=entry.described.get("work_pool"), at=("work_pool",)
    )
    triggers = entry.described.get("triggers")
    for index, trigger in enumerate(triggers if isinstance(triggers, list) else ()):
        yield from _unknown_to(*_trigger_models(), entry=entry, given=trigger, at=("triggers", index))


def _trigger_models() -> "list[type[BaseModel]]":
    from prefect.events.schemas import deployment_triggers as kinds

    return [
        kinds.DeploymentEventTrigger, kinds.DeploymentMetricTrigger, kinds.DeploymentCompoundTrigger,
        kinds.DeploymentSequenceTrigger,
    ]  # fmt: skip


def _unknown_to(
    *models: "type[BaseModel]", entry: Entry, given: Any, at: tuple[str | int, ...] = ()
) -> Iterator[Problem]:
    known = list(dict.fromkeys(name for model in models for name in model.model_fields))
    for name in given if isinstance(given, Mapping) else ():
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            way_out = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known)}."
            said = f"{'.'.join(map(str, (*at, name)))} means nothing to Prefect. {way_out}"
            yield entry.problem(said, *at, name)


def _wrong(error: "ValidationError") -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each place once: of a choice of several shapes, the first has said what is wrong.

    A schedule may be an object of Prefect's besides, which nobody writes.
    """
    seen = set()
    for each in error.errors(include_url=False, include_input=False):
        shape = str(each["loc"][2:3])
        if each["loc"][:1] == ("schedules",) and "RawScheduleConfig" not in shape != "()":
            continue
        loc = tuple(part for part in each["loc"] if isinstance(part, int) or (part[:1].islower() and "[" not in part))
        place = loc[:3]
        if place not in seen and (loc or not each["loc"]):
            seen.add(place)
            yield loc, each["msg"].removeprefix("Value error, ").rstrip(".")
