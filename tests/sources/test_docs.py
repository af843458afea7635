"""What the manual says of APIs is so."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import TypeAdapter

from datastream.catalog import Paginate, Stream
from datastream.credentials import Auth
from tests.flows.conftest import ROOT

MANUAL = (Path(ROOT) / "docs/apis.md").read_text()
ROWS = dict(re.findall(r"^\| `([a-z_]+)` \| (`.*?) \| .* \|$", MANUAL.partition("## What lets us in")[2], re.MULTILINE))


@pytest.mark.parametrize("model", get_args(Auth))
def test_the_table_names_each_kind_and_its_fields(model: type) -> None:
    fields = {name: field for name, field in model.model_fields.items() if name != "kind"}
    needed, _, others = ROWS[model.model_fields["kind"].default].partition("(")
    assert set(re.findall(r"`(\w+)`", needed)) == {name for name, field in fields.items() if field.is_required()}
    assert set(re.findall(r"`(\w+)`", others)) == {name for name, field in fields.items() if not field.is_required()}


def test_the_screen_is_a_stream() -> None:
    screen = re.search(r"^```yaml\n(.*?)^```", MANUAL, re.MULTILINE | re.DOTALL)
    assert screen is not None
    stream = Stream.model_validate(yaml.safe_load(screen[1]))
    assert [rule.then for rule in stream.api.errors] == ["ignore", "retry"]


PAGINATORS = re.findall(r"^\| `(\{kind: .*?\})`", MANUAL, re.MULTILINE)


@pytest.mark.parametrize("described", PAGINATORS)
def test_the_ways_of_pages_are_as_written(described: str) -> None:
    assert TypeAdapter(Paginate).validate_python(yaml.safe_load(described)).kind in described


def test_every_way_of_pages_is_written_down() -> None:
    kinds = {model.model_fields["kind"].annotation for model in get_args(get_args(Paginate)[0])}
    assert {get_args(kind)[0] for kind in kinds} == {yaml.safe_load(each)["kind"] for each in PAGINATORS}


def test_the_examples_are_blocks() -> None:
    examples = re.findall(r"^ *ApiSource\(.*?\)\.save", MANUAL, re.MULTILINE | re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        exec(f"from blocks import ApiSource\n{example.removesuffix('.save').strip()}", {})  # noqa: S102 - it is ours
