"""The automations of a project: deployments/automations/*.yaml, as `prefect automation create --from-file` takes them.

They are known by their names. Whether one is enabled counts when it is made; later that is for people to say.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from datastream.catalog.lines import Lines, load_with_lines
from deployments.deploying.problem import Problem

FOLDER = "deployments/automations"


def read(project: Path) -> tuple[dict[str, Mapping[str, Any]], list[Problem]]:
    """Return the automations by name, and what is wrong with their files."""
    found: dict[str, Mapping[str, Any]] = {}
    problems: list[Problem] = []
    for file in sorted((project / FOLDER).glob("*.yaml")):
        for made in _automations(file, f"{FOLDER}/{file.name}"):
            if isinstance(made, Problem):
                problems.append(made)
            elif made["name"] in found:
                said = f"two automations are called {made['name']!r}. Give one another name."
                problems.append(Problem(f"{FOLDER}/{file.name}", None, said))
            else:
                found[made["name"]] = made
    return found, problems


def _automations(file: Path, shown: str) -> Iterator[dict[str, Any] | Problem]:
    from prefect.events.schemas.automations import AutomationCore
    from pydantic import ValidationError

    try:
        document, lines = load_with_lines(file.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        yield Problem(shown, None, f"this is not YAML that can be read: {error}. Mend the file.")
        return
    for path, described in _listed(document):
        try:
            yield AutomationCore.model_validate(described).model_dump(mode="json")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = tuple(part for part in first["loc"] if isinstance(part, int) or part[:1].islower())
            said = f"{'.'.join(map(str, where))}: {first['msg'].removeprefix('Value error, ').rstrip('.')}. Correct it."
            yield Problem(shown, _line(lines, (*path, *where)), said)


def _listed(document: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(document, dict) and "automations" in document:
        yield from ((("automations", index), each) for index, each in enumerate(document["automations"] or []))
    elif isinstance(document, list):
        yield from (((index,), each) for index, each in enumerate(document))
    else:
        yield (), document


def _line(lines: Lines, path: tuple[str | int, ...]) -> int:
    return lines.of(path)
