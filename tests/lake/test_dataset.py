"""All files of a stream open as one dataset in every library of the manual, also after columns came and widened."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from datastream.lake.dataset import schema_of
from tests.cli.test_commands import Shell
from tests.conftest import World, order, stream_of

MANUAL = (Path(__file__).parents[2] / "docs/schema.md").read_text()
DECLARED = {"paid": "decimal(12,2)", "seen": "timestamp", "tags": "list<string>", "to": {"zip": "string"}}


@pytest.fixture
def drifted(world: World) -> World:
    """A stream of three commits: columns came, one was widened, and values were left out."""
    world.stream = stream_of(schema={"declared": DECLARED})
    later = {"at": "2026-12-31T10:00:00Z"}
    for records in (
        [order(1), order(2, code=None)],
        [order(3, amount=1.5, paid="12.30", seen="2026-01-01T00:00:00Z", **later)],
        [order(4, code="x", note=[1], amount=2, tags=["a"], to={"zip": "0"}, **later)],
    ):
        world.api.records += records
        world.run()
    return world


def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Run the manual's lines against the lake."""
    monkeypatch.setenv("DATASTREAM_LAKE_URI", (tmp_path / "lake").as_uri())
    monkeypatch.setenv("DATASTREAM_PROJECT", str(tmp_path))
    names: dict[str, Any] = {}
    exec(MANUAL.split("```python\n")[1].split("```")[0], names)  # noqa: S102
    return names


@pytest.mark.usefixtures("drifted")
def test_the_manual_opens_all_files_in_every_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = opened(monkeypatch, tmp_path)
    expected = [(1, 1.0, None), (2, 2.0, None), (3, 1.5, None), (4, 2.0, "x")]
    columns = ["id", "amount", "code"]
    frame = names["frame"].sort_values("id")
    assert sorted(zip(*(names["table"][name].to_pylist() for name in columns), strict=True)) == expected
    assert frame["amount"].tolist() == [1.0, 2.0, 1.5, 2.0]
    assert sorted(names["rows"].project("id, amount, code").fetchall()) == expected
    assert names["lazy"].select(columns).sort("id").collect().rows() == expected


def test_every_file_reads_as_the_schema_of_the_log(drifted: World) -> None:
    schema = schema_of(drifted.store, "orders")
    assert schema.field("amount").type == pa.float64()
    assert schema.field("paid").type == pa.decimal128(12, 2)
    assert schema.names[-3:] == ["_record_id", "_received_at", "_commit"]
    kinds = drifted.rows("select distinct typeof(paid), typeof(seen), typeof(tags), typeof(amount) from orders")
    assert kinds == [("DECIMAL(12,2)", "TIMESTAMP WITH TIME ZONE", "VARCHAR[]", "DOUBLE")]


@pytest.mark.usefixtures("drifted")
def test_the_command_names_columns_types_and_where_they_come_from(tmp_path: Path) -> None:
    (tmp_path / "streams").mkdir()
    text = "name: orders\nsource: {kind: webhook, block: a/b}\nsuite: orders\nschema: "
    (tmp_path / "streams/orders.yaml").write_text(text + json.dumps({"declared": DECLARED}))
    rows = Shell(tmp_path).json("lake", "schema", "orders")
    found = {row["column"]: (row["type"], row["origin"], row["since"]) for row in rows}
    assert found["paid"] == ("decimal128(12, 2)", "declared", "0-000000000001")
    assert found["amount"] == ("double", "learned", "0-000000000002")
    assert found["id"] == ("int64", "learned", "0-000000000001")
    assert found["code"] == ("string", "learned", "0-000000000003")
    assert found["note"][:2] == ("json", "learned")
    assert found["_commit"][1] == "own"
