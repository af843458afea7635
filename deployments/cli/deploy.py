"""`datastream deploy`: what prefect.yaml would change on the Prefect server; do it, all of it or nothing."""

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from deployments.cli.project import settings_with_stack
from deployments.cli.show import as_json, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deployments.deploying import Plan
    from deployments.deploying.difference import Change

_SIGNS = {"add": "+", "change": "~", "remove": "-"}
_LONGEST = 70
prune_option = click.option("--prune", is_flag=True, help="Remove what is on the server and not in prefect.yaml.")


@click.group()
def deploy() -> None:
    """Deploy what stands in prefect.yaml, and the automations in deployments/automations/."""


@deploy.command("plan")
@click.option("--check", is_flag=True, help="Exit with 1 if something would change.")
@prune_option
@as_json
def plan_(check: bool, prune: bool, json_: bool) -> None:
    """Check everything, and show what would change on the server. Changes nothing.

    Exits with 1 if something is wrong: all of it is told, with file and line.
    """
    from deployments.deploying import plan
    from deployments.prefect_api import prefect_client

    settings = settings_with_stack()
    with prefect_client() as client, _problems_as_json(json_=json_):
        found = plan(client, settings, prune=prune)
    show(found, json_=json_, applied=False)
    if check and not found.empty:
        raise SystemExit(1)


@deploy.command("apply")
@prune_option
@as_json
def apply_(prune: bool, json_: bool) -> None:
    """Do what `plan` shows, all of it or nothing. What a person paused stays so, unless the file says otherwise."""
    from deployments.deploying import apply
    from deployments.prefect_api import prefect_client

    settings = settings_with_stack()
    with prefect_client() as client, _problems_as_json(json_=json_):
        found = apply(client, settings, prune=prune)
    show(found, json_=json_, applied=True)


@contextmanager
def _problems_as_json(*, json_: bool) -> "Iterator[None]":
    from deployments.deploying import NotDeployable

    try:
        yield
    except NotDeployable as error:
        if not json_:
            raise
        print_json({"problems": [asdict(problem) for problem in error.problems]})
        raise SystemExit(1) from error


def show(plan: "Plan", *, json_: bool, applied: bool) -> None:
    """Print a plan, or what was done of it."""
    if json_:
        print_json(_document(plan, applied=applied))
        return
    for change in plan.changes:
        click.echo(f"{_SIGNS[change.how]} {change.kind} {change.name}")
        for each in change.fields:
            click.echo(f"    {each.field}: {_short(each.before)} -> {_short(each.after)}")
    for stream in plan.new_entries:
        said = (
            "got its entries in prefect.yaml"
            if applied
            else "gets its entries in prefect.yaml, which has none that loads it"
        )
        click.echo(f"The stream {stream} {said}.")
    for stream in plan.unadded:
        click.echo(
            f"Nothing loads the stream {stream}, and entries cannot be added to this prefect.yaml: copy another's."
        )
    for name in plan.left:
        click.echo(f"Not in prefect.yaml, and left as it is: {name}")
    click.echo(_summary(plan, applied=applied))


def _summary(plan: "Plan", *, applied: bool) -> str:
    counts = [sum(change.how == how for change in plan.changes) for how in _SIGNS]
    if plan.empty:
        return f"Nothing to change: {plan.unchanged} deployments are as prefect.yaml says."
    words = ("added", "changed", "removed") if applied else ("to add", "to change", "to remove")
    said = ", ".join(f"{count} {word}" for count, word in zip(counts, words, strict=True) if count)
    return f"{said or 'prefect.yaml changes'}; {plan.unchanged} deployments stay as they are."


def _document(plan: "Plan", *, applied: bool) -> dict[str, Any]:
    return {
        "applied": applied,
        "changes": [_change(change) for change in plan.changes],
        "unchanged": plan.unchanged,
        "left": plan.left,
        "new_entries": plan.new_entries,
        "unadded": plan.unadded,
    }


def _change(change: "Change") -> dict[str, Any]:
    fields = [{"field": each.field, "before": each.before, "after": each.after} for each in change.fields]
    return {"how": change.how, "kind": change.kind, "name": change.name, "fields": fields}


def _short(value: Any) -> str:
    said = "nothing" if value is None else repr(value)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."
