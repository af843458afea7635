"""A misspelt field of a block is refused, in Python and where somebody wrote it at the Prefect server."""

import json

import pytest
from pydantic import ValidationError

import blocks
from tests.flows.conftest import python
from tests.posts import SECRET
from tests.prefect_api import ask

GIVEN = {
    "ApiSource": {"base_url": "https://api.example.org", "budget": {"requests": 1, "per": "PT1M"}},
    "DataLake": {"uri": "s3://bucket/lake"},
    "EventBus": {"url": "amqp://127.0.0.1:5672/"},
    "StreamBuffer": {"url": "redis://127.0.0.1:6379/0"},
    "WebhookSource": {"secrets": [SECRET]},
}
SAVE = """
import json
import blocks
from prefect import flow

given = json.loads({given!r})
for name in blocks.__all__:
    kind = getattr(blocks, name)
    kind(**given[name]).save("known")
    loaded = kind.load("known")
    again = kind.model_validate(loaded.model_dump(context={{"include_secrets": True}}))
    print(name, all(getattr(again, field) == getattr(kind(**given[name]), field) for field in kind.model_fields))

@flow(persist_result=False)
def takes(lake: blocks.DataLake) -> None:
    print("flow", lake.uri)

takes(blocks.DataLake.load("known"))
takes({{"uri": "s3://bucket/other", "block_type_slug": "data-lake"}})
"""
LOAD = """
from blocks import DataLake
from blocks.loading import load
from datastream.errors import DatastreamError

try:
    load(DataLake, "data-lake/known", "The test names")
except DatastreamError as error:
    print(str(error).replace(chr(10), " "))
"""


@pytest.mark.parametrize("name", blocks.__all__)
def test_a_misspelt_field_is_refused_and_shown_without_its_value(name: str) -> None:
    with pytest.raises(ValidationError, match=f"'bugdet': no field of {name}, which has") as told:
        getattr(blocks, name)(**GIVEN[name], bugdet="s3cr3t")
    assert "s3cr3t" not in str(told.value)


def test_what_prefect_itself_writes_beside_the_fields_is_taken(prefect: dict[str, str]) -> None:
    """Saved, loaded, dumped and read again, given to a flow; then somebody adds a field at the server."""
    lines = python(prefect, SAVE.format(given=json.dumps(GIVEN)))
    assert [line for line in lines if line.startswith(tuple(blocks.__all__))] == [
        f"{name} True" for name in blocks.__all__
    ]
    assert [line for line in lines if line.startswith("flow")] == ["flow s3://bucket/lake", "flow s3://bucket/other"]
    api = prefect["PREFECT_API_URL"]
    path = f"{api}/block_types/slug/data-lake/block_documents/name/known"
    document = ask("GET", path)
    wrong = {"data": {"uri": "s3://bucket/lake", "endpiont": "https://s3.example.org"}, "merge_existing_data": False}
    ask("PATCH", f"{api}/block_documents/{document['id']}", wrong)
    [said] = python(prefect, LOAD)
    assert "'endpiont': no field of DataLake, which has uri, endpoint" in said
