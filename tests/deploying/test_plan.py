"""`datastream deploy`: it shows what would change, does just that, and agrees with `prefect deploy --all`."""

import subprocess
import sys
from pathlib import Path

import yaml

from tests.deploying.conftest import Deploying

RICH = """
  - name: rich
    description: Everything that an entry can say.
    version: "7"
    tags: [one, "{{{{ $DEPLOYING_TAG }}}}"]
    concurrency_limit: {{limit: 2, collision_strategy: CANCEL_NEW, grace_period_seconds: 60}}
    entrypoint: jobs{id}.look
    parameters: {{size: 3}}
    enforce_parameter_schema: true
    work_pool:
      name: {pool}
      work_queue_name: high
      job_variables: {{env: {{PLACE: there}}, command: "run {{{{ ctx.flow.name }}}}"}}
    schedules:
      - {{cron: "5 4 * * *", timezone: Europe/Berlin, slug: cron, parameters: {{size: 4}}}}
      - {{rrule: "FREQ=DAILY;BYHOUR=9", slug: rule, active: false}}
      - {{interval: 3600.5, slug: odd, anchor_date: "2026-01-01T00:00:00+02:00"}}
    triggers:
      - expect: [batch.ready]
        match: {{prefect.resource.id: "stream.*"}}
        parameters: {{size: "{{{{ event.payload.size }}}}"}}
      - {{enabled: false, expect: [other], posture: Proactive, within: 60}}
    pull: [{{prefect.deployments.steps.set_working_directory: {{directory: "{{{{ $PWD }}}}"}}}}]
"""


def prefect_deploys(project: Deploying) -> None:
    prefect = Path(sys.executable).with_name("prefect")
    command = [prefect, "--no-prompt", "deploy", "--all"]
    env = {**project.env, "DEPLOYING_TAG": "two", "PYTHONPATH": f"{project.folder}:{Path.cwd()}"}
    done = subprocess.run(command, cwd=project.folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_plan_shows_what_is_new_and_changes_nothing(project: Deploying) -> None:
    done = project("plan", "--check")
    assert done.returncode == 1, "so that CI sees it"
    assert done.stdout.splitlines() == [
        f"+ deployment load-{project.id}/orders", f"+ deployment look-{project.id}/orders",
        "2 to add; 0 deployments stay as they are.",
    ]  # fmt: skip
    assert project.deployed() == {}


def test_what_was_applied_needs_no_change_and_keeps_its_planned_runs(project: Deploying) -> None:
    assert project("apply").stdout.splitlines()[-1] == "2 added; 0 deployments stay as they are."
    before = project.deployed()
    again = project("apply")
    assert again.stdout == "Nothing to change: 2 deployments are as prefect.yaml says.\n"
    assert project("plan", "--check").returncode == 0
    assert project.deployed() == before


def test_a_commit_of_the_project_alone_is_no_change(project: Deploying) -> None:
    """Prefect's version of a deployment is git's, where the file names none."""
    project("apply")
    path = f"/deployments/{project.one()['id']}"
    project.ask("PATCH", path, version="of an earlier commit")
    assert project("plan", "--check").returncode == 0
    project.edit("size: 1", "size: 2")
    assert [each["field"] for each in project.json("apply")["changes"][0]["fields"]] == ["version", "parameters.size"]
    project.edit("size: 2, lake: *lake}", 'size: 2, lake: *lake}\n    version: "8"')
    assert "    version: " in project("plan").stdout


def test_what_prefect_deploys_is_what_would_be_applied(project: Deploying) -> None:
    """Of everything that an entry can say, in both orders."""
    project.file.write_text(project.file.read_text() + RICH.format(id=project.id, pool=project.pool))
    prefect_deploys(project)
    by_prefect = project.deployed()
    assert project("plan", "--check", DEPLOYING_TAG="two").stdout.startswith("Nothing to change: 3")
    project.ask("DELETE", f"/deployments/{project.one('look', 'rich')['id']}")
    done = project("apply", DEPLOYING_TAG="two")
    assert done.stdout.splitlines()[0] == f"+ deployment look-{project.id}/rich", done.stderr
    assert alike(project.deployed()) == alike(by_prefect)
    prefect_deploys(project)
    assert project("plan", "--check", DEPLOYING_TAG="two").stdout.startswith("Nothing to change: 3")


def alike(deployed: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """Without what is made anew: ids and moments."""

    def clean(value: object) -> object:
        if isinstance(value, dict):
            gone = ("id", "created", "deployment_id", "concurrency_limit_id", "anchor_date")
            kept = {key: clean(each) for key, each in value.items() if key not in gone}
            return kept | ({"name": ""} if str(value.get("name")).startswith("deployment:") else {})
        return [clean(each) for each in value] if isinstance(value, list) else value

    return {title: clean(each) for title, each in deployed.items()}  # type: ignore[misc]


def test_each_field_that_differs_is_shown_and_nothing_of_an_environment(project: Deploying) -> None:
    pool = f"name: {project.pool}, work_queue_name: default"
    project.edit(pool, f"{pool}, job_variables: {{env: {{PLACE: over there}}}}")
    project.edit("    schedules:", "    triggers: [{expect: [one]}]\n    schedules:")
    project("apply")
    project.edit("over there", "nowhere")
    project.edit("[one]", "[two]")
    project.edit("interval: 300", "interval: 600")
    project.edit("size: 1", "size: 2")
    lines = project("plan").stdout.splitlines()
    assert lines[:5] == [
        f"~ deployment load-{project.id}/orders", "    parameters.size: 1 -> 2",
        "    job_variables.env.PLACE: '***' -> '***'", "    schedules.often.schedule.interval: 300.0 -> 600.0",
        "    triggers.orders__automation_1.trigger.expect: ['one'] -> ['two']",
    ]  # fmt: skip
    [first, _] = project.json("apply")["changes"]
    assert first["fields"][0] == {"field": "parameters.size", "before": 1, "after": 2}
    assert project.one()["schedules"][0]["schedule"]["interval"] == 600


def test_what_a_person_paused_stays_so_unless_the_file_says_otherwise(project: Deploying) -> None:
    """`prefect deploy` wakes a paused deployment, though its file says nothing of it."""
    project("apply")
    there = project.one()
    project.ask("PATCH", f"/deployments/{there['id']}", paused=True)
    project.ask("PATCH", f"/deployments/{there['id']}/schedules/{there['schedules'][0]['id']}", active=False)
    assert project("plan").stdout.startswith("Nothing to change")
    project.edit("size: 1", "size: 2")
    project("apply")
    now = project.one()
    assert (now["parameters"]["size"], now["paused"], now["schedules"][0]["active"]) == (2, True, False)
    project.edit("slug: often", "slug: often, active: true")
    project.edit("entrypoint: jobs", "paused: false\n    entrypoint: jobs")
    project("apply")
    now = project.one()
    assert (now["paused"], now["schedules"][0]["active"]) == (False, True)


def test_what_is_not_in_the_file_is_left_as_it_is_until_it_is_pruned(project: Deploying) -> None:
    """A trigger goes with its deployment: left behind, it would try to run it for ever."""
    trigger = f"look\n    triggers: [{{expect: [some.{project.id}]}}]"
    project.edit(f"jobs{project.id}.look", f"jobs{project.id}.{trigger}")
    project("apply")
    project.edit("slug: often", "slug: seldom")
    head, _, _ = project.file.read_text().rpartition("  - name: orders")
    project.file.write_text(head)
    shown = project("apply").stdout
    assert f"Not in prefect.yaml, and left as it is: look-{project.id}/orders\n" in shown
    assert f"Not in prefect.yaml, and left as it is: load-{project.id}/orders by often\n" in shown
    assert sorted(each["slug"] for each in project.one()["schedules"]) == ["often", "seldom"]
    assert f"- deployment look-{project.id}/orders" in project("apply", "--prune").stdout
    assert list(project.deployed()) == [f"load-{project.id}/orders"]
    assert f"some.{project.id}" not in str(project.ask("POST", "/automations/filter"))
    assert [each["slug"] for each in project.one()["schedules"]] == ["seldom"]
    assert project("plan", "--prune", "--check").returncode == 0


def test_runs_that_a_person_waits_for_go_first(project: Deploying) -> None:
    look = f"jobs{project.id}.look\n    work_pool: "
    project.edit(f"{look}*pool", f"{look}{{name: {project.pool}, work_queue_name: high}}")
    assert f"+ queue {project.pool}/high" in project("apply").stdout
    queues = project.ask("POST", f"/work_pools/{project.pool}/queues/filter")
    assert {each["name"]: each["priority"] for each in queues} == {"high": 1, "default": 2}
    assert project.one("look")["work_queue_name"] == "high"


AUTOMATION = """
automations:
  - name: gate-{id}
    description: One.
    enabled: false
    trigger: {{type: event, posture: Reactive, expect: [some.{id}], threshold: 1, within: 0}}
    actions: [{{type: do-nothing}}]
"""


def test_automations_are_brought_up_to_date_and_their_switches_stay(project: Deploying) -> None:
    file = project.folder / "deployments/automations/gate.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(AUTOMATION.format(id=project.id))
    assert f"+ automation gate-{project.id}" in project("apply").stdout
    [made] = [each for each in project.ask("POST", "/automations/filter") if each["name"] == f"gate-{project.id}"]
    project.ask("PATCH", f"/automations/{made['id']}", enabled=True)
    assert project("plan").stdout.startswith("Nothing to change")
    file.write_text(file.read_text().replace("One.", "Two."))
    assert "    description: 'One.' -> 'Two.'" in project("apply").stdout
    now = project.ask("GET", f"/automations/{made['id']}")
    assert (made["enabled"], now["enabled"], now["description"]) == (False, True, "Two.")


def test_of_two_automations_that_are_the_same_one_goes(project: Deploying) -> None:
    """Two who deployed at once made both, and each would do what one is to do."""
    file = project.folder / "deployments/automations/gate.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(AUTOMATION.format(id=project.id))
    project("apply")
    [made] = [each for each in project.ask("POST", "/automations/filter") if each["name"] == f"gate-{project.id}"]
    project.ask("POST", "/automations/", **{key: made[key] for key in made if key not in ("id", "created", "updated")})
    other = {**made, "description": "A person's own, of the same name."}
    project.ask("POST", "/automations/", **{key: other[key] for key in made if key not in ("id", "created", "updated")})
    assert f"- automation gate-{project.id}" in project("apply").stdout
    left = [each["description"] for each in project.ask("POST", "/automations/filter") if project.id in each["name"]]
    assert sorted(left) == ["A person's own, of the same name.", "One."]
    assert project("plan", "--check").returncode == 0


STREAM = """
name: {name}
source: {{kind: webhook, block: webhook-source/x{id}}}
suite: {name}
"""


def test_a_stream_that_nothing_loads_gets_its_entries_and_the_others_stay(project: Deploying) -> None:
    stream = f"s{project.id}"
    (project.folder / "streams" / f"{stream}.yaml").write_text(STREAM.format(name=stream, id=project.id))
    rule = '{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "id"}}'
    (project.folder / "expectations" / f"{stream}.json").write_text(f'{{"name": "{stream}", "expectations": [{rule}]}}')
    project.python("from blocks import WebhookSource", "from deployments.registration import new_secret",
                   f"WebhookSource(secrets=[new_secret()]).save('x{project.id}')")  # fmt: skip
    project.edit("lake: &lake", "home: &pools {name: " + project.pool + "}\n  lake: &lake")
    project.ask("POST", "/work_pools/", name="datastream", type="process")
    before = project.file.read_text()
    assert f"The stream {stream} gets its entries in prefect.yaml" in project("plan").stdout
    assert project.file.read_text() == before, "a plan writes nothing"
    assert f"+ deployment etl-pipeline/{stream}" in project("apply").stdout
    after = project.file.read_text()
    assert after.startswith(before)
    added = yaml.safe_load(after)["deployments"][2:]
    flows = "data_validation etl_pipeline lake_maintenance quality_checks release_quarantine replay_quarantine"
    assert sorted(each["entrypoint"].rpartition(".")[2] for each in added) == flows.split()
    assert project("plan", "--check").returncode == 0
