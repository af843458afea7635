"""Entries are added to a prefect.yaml of any make, behind the last one, and what stands there stays byte for byte."""

from pathlib import Path

import pytest
import yaml

from datastream.catalog import Stream
from deployments.deploying.entries import add, undeployed, with_entries
from tests.conftest import stream_of
from tests.flows.conftest import ROOT

OURS = (ROOT / "prefect.yaml").read_text()
PLAIN = "deployments:\n- name: a\n  entrypoint: b.c"
FLOWS = "etl_pipeline data_validation quality_checks lake_maintenance backfill replay_quarantine release_quarantine"
LATER = "deployments:\n    - name: a  # mine\n      entrypoint: b.c\n\n# the end of it\n\nname: last\n"


def webhook(name: str) -> Stream:
    source = {"kind": "webhook", "block": f"webhook-source/{name}"}
    return Stream.model_validate({"name": name, "source": source, "suite": name})


@pytest.mark.parametrize("text", [OURS, PLAIN, LATER], ids=["ours", "plain", "not at the end"])
def test_what_stands_there_stays_and_a_second_time_adds_nothing(text: str) -> None:
    new = with_entries(text, [stream_of()])
    assert new is not None
    before, after = (yaml.safe_load(each)["deployments"] for each in (text, new))
    assert after[: len(before)] == before
    added = [each["entrypoint"].rpartition(".")[2] for each in after[len(before) :]]
    assert added == FLOWS.split()
    lines = iter(new.splitlines())
    assert all(line in lines for line in text.splitlines()), "in their order"
    assert with_entries(new, [stream_of()]) == new


def test_anchors_of_the_file_are_used_and_else_it_is_written_out() -> None:
    ours, plain = (with_entries(text, [stream_of()]) or "" for text in (OURS, PLAIN))
    assert "    work_pool: *pool\n    schedules: *every_5_minutes\n" in ours.removeprefix(OURS.rstrip())
    assert "  work_pool: {name: datastream, work_queue_name: high}\n" in plain
    both = [yaml.safe_load(text)["deployments"] for text in (ours, plain)]
    first, second = ([each for each in found if each["name"] == "orders"] for found in both)
    assert first == second


@pytest.mark.parametrize(
    "text", ["deployments: []\n", "name: x\n", "deployments: [{name: a}]\n", "a: [\n", "", "- a\n"]
)
def test_a_file_that_cannot_be_added_to_is_left_as_it_is(text: str) -> None:
    assert with_entries(text, [stream_of()]) is None


def test_what_is_posted_is_not_filled_in_and_a_name_stays_a_name() -> None:
    added = yaml.safe_load(with_entries(PLAIN, [webhook("123")]) or "")["deployments"][1:]
    assert {(each["name"], each["parameters"]["stream"]) for each in added} == {("123", "123")}
    assert not [each for each in added if "backfill" in each["entrypoint"]]


def test_a_file_of_another_system_keeps_its_ends_of_lines(tmp_path: Path) -> None:
    file = tmp_path / "prefect.yaml"
    file.write_bytes(LATER.replace("\n", "\r\n").encode())
    assert add(file, [stream_of()])
    assert file.read_bytes().startswith(b"deployments:\r\n    - name: a  # mine\r\n      entrypoint: b.c\r\n")
    assert file.read_bytes().endswith(b"\r\n# the end of it\r\n\r\nname: last\r\n")


def test_all_streams_of_ours_are_loaded() -> None:
    assert undeployed(yaml.safe_load(OURS), ROOT / "streams") == []
    assert [each.name for each in undeployed({}, ROOT / "streams")] == ["departures", "flights"]
