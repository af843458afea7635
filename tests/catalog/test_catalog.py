"""A stream file that is wrong is refused with file, line, what is wrong and the way out."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from datastream.catalog import Catalog, Stream, StreamInvalid, StreamMissing
from datastream.catalog.lines import load_with_lines
from datastream.catalog.schema import SCHEMA_FILE, schema_text

ROOT = Path(__file__).resolve().parents[2]
FLIGHTS = (ROOT / "streams/flights.yaml").read_text()

WRONG = {
    "unknown kind": ("kind: api", "kind: carrier-pigeon", 4, "source.kind is 'carrier-pigeon'"),
    "unknown paginator": ("page_number", "pages", 8, "choose one of 'page_number', 'offset', 'next_link'"),
    "missing key": ("key: [id]", "", 2, "key is []: name the fields"),
    "empty key": ("[id]", "[]", 10, "key is []"),
    "not a duration": ("lag: PT1H", "lag: PT1X", 9, "source.cursor.lag is 'PT1X'"),
    "no batch": ("size: 1000", "size: 0", 17, "batch.size is 0: input should be greater than or equal to 1"),
    "path as name": ("name: flights", "name: ../flights", 2, "name is '../flights', which does not match"),
    "misspelt": ("  path:", "  pth:", 6, "source.pth is not a field of a stream"),
    "twice": ("key: [id]", "key: [id]\nkey: [x]", 11, "the key 'key' is given twice"),
    "not YAML": ("[id]", "[id", 11, "this is not YAML"),
    "not an address": ("block: api-source/flights", "block: {base_url: ftp://x}", 5, "not the address of an API"),
    "a secret": (
        "block: api-source/flights",
        "block: {base_url: http://x, auth: {token: S3CR}}",
        5,
        "in a Prefect block",
    ),
    "another name": ("name: flights", "name: trains", 2, "the file is called flights.yaml"),
    "a time in quotes": ("initial: 2013-01-01T00:00:00Z", "initial: '2013-01-01T00:00:00Z'", 9, "remove the quotes"),
    "a date that is none": ("2013-01-01T00:00:00Z", "2013-02-30", 1, "day is out of range"),
    "lag of a number": ("initial: 2013-01-01T00:00:00Z", "initial: 0", 9, "'time_hour' is no time; leave lag out"),
    "lag into the future": ("lag: PT1H", "lag: -PT1H", 9, "greater than or equal to 0"),
    "a truth as cursor": ("initial: 2013-01-01T00:00:00Z", "initial: true", 9, "a time, a number or text"),
    "a way out of the lake": (
        "partition_by: {field: time_hour",
        "partition_by: {field: a/../../x",
        12,
        "does not match",
    ),
    "not fresh": ("quality: {", "quality: {fresh_within: soon, ", 18, "quality.fresh_within is 'soon'"),
    "a share above one": ("quarantined_at_most: 0.05", "quarantined_at_most: 5", 18, "less than or equal to 1"),
    "two streams for a column": (
        "quality: {",
        "quality: {references: [{column: a, stream: b, key: c}, {column: a, stream: d, key: c}], ",
        18,
        "a refers to more than one stream; name each column once",
    ),
    "a reference to no stream": (
        "quality: {",
        "quality: {references: [{column: a, stream: _quality, key: c}], ",
        18,
        "quality.references.0.stream is '_quality', which does not match",
    ),
    "no room": ("quality: {", "quality: {volume: {least: 2, most: 1}, ", 18, "no number is both"),
    "an unknown mode": ("schema: evolve", "schema: strict", 13, "choose one of evolve, freeze, quarantine_row"),
    "an unknown type": (
        "schema: evolve",
        "schema:\n  declared:\n    id: int64\n    tail: flot",
        16,
        "schema.declared.tail is 'flot': 'flot' is no type; choose one of bool",
    ),
    "an unknown type in a struct": (
        "schema: evolve",
        "schema:\n  declared:\n    to: {zip: text}",
        15,
        "schema.declared.to is wrong: 'text' is no type",
    ),
    "our own name": ("schema: evolve", "schema: {declared: {_commit: string}}", 13, "'_commit' cannot be a column"),
    "a cursor of another kind": (
        "schema: evolve",
        "schema: {declared: {time_hour: int64}}",
        13,
        "the cursor 'time_hour' is declared as int64; declare it as string or timestamp",
    ),
    "not a transform": ("streams.flights:clean", "streams/flights.py", 11, "transform is 'streams/flights.py'"),
}


def catalog(folder: Path, text: str) -> Catalog:
    (folder / "flights.yaml").write_text(text)
    return Catalog(folder)


@pytest.mark.parametrize(("old", "new", "line", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_by_line(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    with pytest.raises(StreamInvalid) as told:
        catalog(tmp_path, FLIGHTS.replace(old, new, 1)).stream("flights")
    assert f"flights.yaml, line {line}: " in str(told.value) or line == 1
    assert said in str(told.value)


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    block = "block: {base_url: 'http://h', headers: {Authorization: [s3cr3t]}}"
    with pytest.raises(StreamInvalid) as told:
        catalog(tmp_path, FLIGHTS.replace("block: api-source/flights", block)).stream("flights")
    assert "headers" in str(told.value)
    assert "s3cr3t" not in str(told.value)


def test_what_is_merged_twice_over_is_no_key_given_twice() -> None:
    text = "a: &a {x: 1, y: 1}\nin:\n  b: &b {<<: *a, x: 2}\nc:\n  <<: *b\n  y: 3\n"
    assert load_with_lines(text)[0] == yaml.safe_load(text)
    assert load_with_lines(text)[0]["c"] == {"x": 2, "y": 3}


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    text = FLIGHTS.replace("size: 1000", "size: 0").replace("grain: day", "grain: week")
    with pytest.raises(StreamInvalid) as told:
        catalog(tmp_path, text).stream("flights")
    assert len(str(told.value).splitlines()) == 2


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_file_that_describes_no_stream_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(StreamInvalid, match="describes no stream"):
        catalog(tmp_path, text).stream("flights")


def test_an_unknown_stream_is_told_with_its_nearest_neighbour(tmp_path: Path) -> None:
    with pytest.raises(StreamMissing, match="Did you mean 'flights'"):
        catalog(tmp_path, FLIGHTS).stream("fligths")


@pytest.mark.parametrize(
    "name", ["../flights", "/etc/passwd", "Flights", "", "a" * 64, "a b", "fl\x00ights", "flights\n"]
)
def test_a_name_that_could_be_a_path_never_reaches_the_disk(tmp_path: Path, name: str) -> None:
    with pytest.raises(StreamMissing, match="cannot be the name of a stream"):
        catalog(tmp_path, FLIGHTS).stream(name)


def test_the_version_changes_with_the_file(tmp_path: Path) -> None:
    before = catalog(tmp_path, FLIGHTS).stream("flights").version
    after = catalog(tmp_path, FLIGHTS.replace("size: 1000", "size: 500")).stream("flights").version
    assert before != after
    assert len(before) == 12


def test_a_stream_without_words_on_failure_sets_critical_rows_aside() -> None:
    source = {"kind": "api", "block": "api-source/s", "path": "/", "paginate": {"kind": "next_link"}}
    stream = Stream.model_validate({"name": "s", "source": source, "key": ["id"], "suite": "s"})
    assert [stream.action(severity) for severity in ("critical", "warning", "info")] == ["quarantine", "warn", "warn"]


def test_the_schema_for_editors_is_that_of_the_models() -> None:
    """Made by `python -m datastream.catalog.schema`."""
    assert (ROOT / "streams" / SCHEMA_FILE).read_text() == schema_text()
    assert "paginate" in json.dumps(json.loads(schema_text()))


def test_the_section_that_the_manual_shows_can_be_used(tmp_path: Path) -> None:
    manual = (ROOT / "docs/quality.md").read_text()
    section = manual.split("```yaml\n")[1].split("```")[0]
    quality = catalog(tmp_path, FLIGHTS.replace("quality: {", "# {") + section).stream("flights").quality
    assert (quality.fresh_within, quality.volume.least, quality.schema_mode) == (timedelta(hours=1), 1000, "fixed")
