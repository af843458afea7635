"""The manifests, as kustomize renders them, held against the schemas of Kubernetes; no cluster runs them here."""

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from datastream.settings import Settings
from tests.beyond.described import DEPLOYMENTS, ROOT, manifests, options_of_prefect, pods, understood

FOLDER = DEPLOYMENTS / "kubernetes"
Resources = list[dict[str, Any]]
DRAINED = {"gateway", "workers"}
"""Of these there are several, and a node that is emptied must not take all at once."""


@pytest.fixture(scope="module")
def resources() -> Resources:
    return manifests()


def of(resources: Resources, *kinds: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in resources if each["kind"] in kinds}


def containers(resources: Resources) -> dict[str, dict[str, Any]]:
    return {name: pod["containers"][0] for name, pod in pods(resources).items()}


def test_every_file_is_named_and_every_named_file_is_there() -> None:
    named = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert all((FOLDER / name).exists() for name in named)
    assert {file.name for file in FOLDER.glob("*.yaml")} - {"kustomization.yaml"} == set(named) - {"../prometheus"}


def test_the_schemas_of_kubernetes_take_all_of_it(resources: Resources) -> None:
    for resource in resources:
        if not resource["apiVersion"].startswith("keda.sh/"):
            kubernetes_validate.validate(resource, "1.37", strict=True)


def test_a_typing_error_would_be_found(resources: Resources) -> None:
    wrong = {**of(resources, "Deployment")["gateway"]}
    wrong["spec"] = {**wrong["spec"], "replica": 2}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_no_pod_has_rights(resources: Resources) -> None:
    """What the standard `restricted` of Kubernetes' pod security asks for, and a root file system that is read-only."""
    for name, pod in pods(resources).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


def test_every_container_says_what_it_needs_and_how_it_is_known_to_be_well(resources: Resources) -> None:
    jobs = of(resources, "Job")
    for name, container in containers(resources).items():
        assert container["resources"].keys() == {"requests", "limits"}, name
        assert name in {*jobs, "keeper"} or "livenessProbe" in container, name  # the keeper listens nowhere
        probes = [container.get(probe, {}) for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
        asked = {probe[way]["port"] for probe in probes for way in ("httpGet", "tcpSocket") if way in probe}
        assert asked <= {port["name"] for port in container.get("ports", [])}, name


def test_the_numbers_are_those_of_the_architecture(resources: Resources) -> None:
    found = containers(resources)
    assert found["workers"]["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi"},
        "limits": {"cpu": "4", "memory": "8Gi"},
    }
    live, ready = found["gateway"]["livenessProbe"], found["gateway"]["readinessProbe"]
    assert (live["httpGet"]["path"], live["periodSeconds"]) == ("/health/live", 5)
    assert (ready["httpGet"]["path"], ready["periodSeconds"]) == ("/health/ready", 10)


def test_no_secret_is_here_only_their_names(resources: Resources) -> None:
    assert of(resources, "Secret") == {}
    settings = of(resources, "ConfigMap")
    plain = "\n".join(str(each["data"]) for each in settings.values())
    assert "PASSWORD" not in plain.upper()
    for container in containers(resources).values():
        for variable in container.get("env", []):
            assert variable["valueFrom"]["secretKeyRef"]["name"] == "datastream"


def test_the_docs_make_a_secret_with_every_key_that_is_asked_for(resources: Resources) -> None:
    shown = (ROOT / "docs" / "beyond.md").read_text()
    made = set(re.findall(r"--from-literal=(\w+)=", shown))
    variables = [variable for container in containers(resources).values() for variable in container.get("env", [])]
    assert {variable["valueFrom"]["secretKeyRef"]["key"] for variable in variables} == made


def test_every_setting_is_one_of_ours(resources: Resources) -> None:
    known = {f"DATASTREAM_{name}".upper() for name in Settings.model_fields}
    said = {variable["name"] for container in containers(resources).values() for variable in container.get("env", [])}
    said |= {key for each in of(resources, "ConfigMap").values() for key in each["data"]}
    ours = {name for name in said if name.startswith("DATASTREAM_")}
    assert ours
    assert ours <= known


def test_every_command_of_ours_exists(resources: Resources) -> None:
    for name, container in containers(resources).items():
        assert "command" not in container or understood(container["command"]), name


@pytest.mark.full
def test_prefect_knows_every_option(resources: Resources) -> None:
    commands = [container.get("command", [""]) for container in containers(resources).values()]
    asked = [command for command in commands if command[0] == "prefect"]
    assert asked
    assert [options_of_prefect(command) for command in asked] == [set()] * len(asked)


def test_services_budgets_and_rules_of_the_network_find_their_pods(resources: Resources) -> None:
    apps = set(pods(resources))
    selected = [each["spec"]["selector"]["app"] for each in of(resources, "Service").values()]
    budgets = of(resources, "PodDisruptionBudget")
    selected += [each["spec"]["selector"]["matchLabels"]["app"] for each in budgets.values()]
    assert set(selected) <= apps
    assert budgets.keys() == DRAINED
    for policy in of(resources, "NetworkPolicy").values():
        assert policy["spec"]["podSelector"].get("matchLabels", {}).get("app") in {None, *apps}


def test_whoever_is_asked_by_name_has_a_service(resources: Resources) -> None:
    scraped = yaml.safe_load(of(resources, "ConfigMap")[_prometheus(resources)]["data"]["prometheus.yml"])
    wanted = {name for job in scraped["scrape_configs"] for each in job["dns_sd_configs"] for name in each["names"]}
    services = of(resources, "Service")
    assert wanted <= services.keys()
    assert all(services[name]["spec"]["clusterIP"] == "None" for name in wanted)  # a pod each, not one for all


def _prometheus(resources: Resources) -> str:
    volumes = pods(resources)["prometheus"]["volumes"]
    return next(volume["configMap"]["name"] for volume in volumes if "configMap" in volume)


def test_workers_are_scaled_by_what_waits(resources: Resources) -> None:
    """KEDA's own schema is in no package here: what it requires is looked at by hand."""
    (scaled,) = of(resources, "ScaledObject").values()
    spec = scaled["spec"]
    deployment = of(resources, "Deployment")[spec["scaleTargetRef"]["name"]]
    assert "replicas" not in deployment["spec"]  # applying it again must not undo what was scaled
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (3, 10)
    (trigger,) = spec["triggers"]
    assert trigger["type"] == "prometheus"
    assert trigger["metadata"].keys() == {"serverAddress", "query", "threshold", "ignoreNullValues"}
    assert trigger["metadata"]["ignoreNullValues"] == "false"  # while Prefect is away, no worker is sent away
    assert all(isinstance(value, str) for value in trigger["metadata"].values())
    assert trigger["metadata"]["serverAddress"] == "http://prometheus.datastream.svc:9090"


def test_a_pod_that_ends_has_time_for_what_it_has_begun(resources: Resources) -> None:
    found = pods(resources)
    assert found["workers"]["terminationGracePeriodSeconds"] == 3600
    assert found["gateway"]["terminationGracePeriodSeconds"] > 5 + 7.5  # preStop, and the gateway's own patience


def test_everything_is_in_one_namespace(resources: Resources) -> None:
    assert {each["metadata"].get("namespace") for each in resources if each["kind"] != "Namespace"} == {"datastream"}
