"""`datastream doctor`: every connection, setting and promise, each with the way out."""

import click

from deployments.cli.project import settings_with_stack
from deployments.cli.show import as_json, print_json, print_table


@click.command()
@as_json
def doctor(json_: bool) -> None:
    """Look at everything the platform needs. Exits with 1 if something is wrong."""
    from deployments.doctor import examine

    found = list(examine(settings_with_stack()))
    if json_:
        print_json(
            [{"what": f.what, "ok": f.ok, "said": f.said, "seconds": round(f.took.total_seconds(), 3)} for f in found]
        )
    else:
        print_table(("", "", "what it is, or what to do"), [(f.what, "ok" if f.ok else "WRONG", f.said) for f in found])
    wrong = sum(not f.ok for f in found)
    if wrong:
        click.echo(f"{wrong} of {len(found)} need looking after.", err=True)
        raise SystemExit(1)
