"""The configuration and the rules of Prometheus, as its own tool reads and runs them."""

import yaml

from tests.beyond.described import run
from tests.beyond.watching import FOLDER


def test_the_configuration_is_one() -> None:
    done = run("promtool", "check", "config", FOLDER / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_is_looked_at_every_fifteen_seconds() -> None:
    said = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["global"]
    assert said == {"scrape_interval": "15s", "evaluation_interval": "15s"}


def test_each_trouble_fires_its_own_alert_and_none_fires_when_all_is_well() -> None:
    done = run("promtool", "test", "rules", FOLDER / "rules_test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_among_those_that_were_made_to_fire() -> None:
    rules = [rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]]
    tried = (FOLDER / "rules_test.yml").read_text()
    assert {rule["alert"] for rule in rules if f'{{alertname="{rule["alert"]}"' not in tried} == set()


def test_each_alert_says_what_to_do() -> None:
    rules = [rule for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"] for rule in group["rules"]]
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"].keys() == {"summary", "description"}, rule["alert"]
