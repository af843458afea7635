"""The compose file, as docker compose itself reads it; no engine runs it here."""

from typing import Any

import pytest
import yaml

from datastream.settings import Settings
from tests.beyond.described import COMPOSE, PASSWORDS, composed, options_of_prefect, run, understood

OURS = {"prefect", "setup", "gateway", "workers", "keeper", "metrics"}


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return composed()["services"]


def test_it_holds_no_password_and_does_not_start_without_them() -> None:
    refused = run("docker-compose", "-f", COMPOSE, "config", "--quiet")
    assert refused.returncode != 0
    for name in PASSWORDS:
        assert f"{name}_PASSWORD is missing" in refused.stderr


def test_what_is_ours_may_write_nowhere_and_has_no_rights(services: dict[str, dict[str, Any]]) -> None:
    for name in OURS:
        service = services[name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_nothing_listens_beyond_this_machine(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_a_worker_has_the_limits_of_the_architecture(services: dict[str, dict[str, Any]]) -> None:
    resources = services["workers"]["deploy"]["resources"]
    gigabyte = 1024**3
    assert resources["reservations"] == {"cpus": 2, "memory": str(4 * gigabyte)}
    assert resources["limits"] == {"cpus": 4, "memory": str(8 * gigabyte)}


def test_the_buffer_keeps_what_it_took(services: dict[str, dict[str, Any]]) -> None:
    said = " ".join(services["redis"]["command"])
    assert "--appendonly yes" in said
    assert "--maxmemory-policy noeviction" in said
    assert services["redis"]["volumes"][0]["target"] == "/data"


def test_whatever_keeps_something_keeps_it_in_a_volume(services: dict[str, dict[str, Any]]) -> None:
    for name in ("postgres", "redis", "rabbitmq", "seaweedfs", "prometheus", "grafana"):
        assert "volume" in {volume["type"] for volume in services[name]["volumes"]}, name


def test_the_bucket_of_the_lake_is_made_before_anything_is_loaded(services: dict[str, dict[str, Any]]) -> None:
    bucket = services["workers"]["environment"]["DATASTREAM_LAKE_URI"].removeprefix("s3://").partition("/")[0]
    assert f"s3.bucket.create -name {bucket} " in services["bucket"]["command"][0]
    before = {"condition": "service_completed_successfully", "required": True}
    assert services["setup"]["depends_on"]["bucket"] == before
    assert services["workers"]["depends_on"]["setup"] == before


def test_a_database_that_is_still_being_made_is_not_taken_for_one(services: dict[str, dict[str, Any]]) -> None:
    """The image makes it with a server that listens at a Unix socket only, and ends again."""
    assert services["postgres"]["healthcheck"]["test"][-2:] == ["-h", "127.0.0.1"]


def test_what_is_mounted_is_there(services: dict[str, dict[str, Any]]) -> None:
    from pathlib import Path

    bound = [v for s in services.values() for v in s.get("volumes", []) if v["type"] == "bind"]
    assert bound
    assert all(Path(volume["source"]).exists() and volume["read_only"] for volume in bound)


def test_every_setting_is_one_of_ours(services: dict[str, dict[str, Any]]) -> None:
    known = {f"DATASTREAM_{name}".upper() for name in Settings.model_fields}
    for name in OURS:
        assert {key for key in services[name]["environment"] if key.startswith("DATASTREAM_")} <= known, name


def test_every_command_of_ours_exists(services: dict[str, dict[str, Any]]) -> None:
    for name in OURS:
        assert understood(services[name]["command"]), name


@pytest.mark.full
def test_prefect_knows_every_option(services: dict[str, dict[str, Any]]) -> None:
    for name in OURS:
        if services[name]["command"][0] == "prefect":
            assert options_of_prefect(services[name]["command"]) == set(), name


def test_prometheus_finds_every_name_that_it_looks_for(services: dict[str, dict[str, Any]]) -> None:
    wanted = yaml.safe_load((COMPOSE.parents[1] / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    aliases = {
        name
        for service, said in services.items()
        for name in (service, *((said["networks"].get("default") or {}).get("aliases") or []))
    }
    assert {name for job in wanted for each in job["dns_sd_configs"] for name in each["names"]} <= aliases


def test_metrics_are_kept_for_fifteen_days(services: dict[str, dict[str, Any]]) -> None:
    assert "--storage.tsdb.retention.time=15d" in services["prometheus"]["command"]
