"""Adds the entries of a stream to prefect.yaml. What stands there stays as it is, byte for byte."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from datastream.catalog import Catalog, Stream
from datastream.catalog.source import ApiSpec
from datastream.errors import DatastreamError

_ETL = "flows.etl_pipeline.etl_pipeline"
_BACKFILL = "flows.backfill.backfill"
_ENTRIES = (
    (_ETL, "load", "Load the stream {}, described in streams/{}.yaml.", "", "pool", "every_5_minutes"),
    ("flows.data_validation.data_validation", "check",
     "Hold the last day of {} against today's suite.", "window: P1D, ", "pool", "daily"),
    ("flows.quality_checks.quality_checks", "check",
     "Ask whether {} is fresh, enough and clean, as streams/{}.yaml expects it.", "", "pool", "hourly"),
    ("flows.lake_maintenance.lake_maintenance", "upkeep",
     "Do to the files of {} what streams/{}.yaml asks for under compact and retention.", "", "pool", "nightly"),
    (_BACKFILL, "load",
     "Fill in a range of {}, given as start and end; start it as often as there are workers for it.", "", "pool", ""),
    ("flows.replay_quarantine.replay_quarantine", "quarantine",
     "Send what {} has set aside through today's rules again; where and mended say which rows, and how.", "", "high",
     ""),
    ("flows.release_quarantine.release_quarantine", "quarantine",
     "Load a claim of {} that is held in quarantine, or with reject keep it there for good.", "", "high", ""),
)  # fmt: skip
"""Entrypoint, tag, description, parameters of its own, pool and schedule."""
_INSTEAD = {
    "pool": "{name: datastream, work_queue_name: default}",
    "high": "{name: datastream, work_queue_name: high}",
    "lake": "{$ref: {block_document_slug: data-lake/local}}",
    "every_5_minutes": '[{interval: 300, anchor_date: "2026-01-01T00:00:00Z", slug: every-5-minutes}]',
    "hourly": '[{interval: 3600, anchor_date: "2026-01-01T00:07:00Z", slug: hourly}]',
    "daily": '[{interval: 86400, anchor_date: "2026-01-01T03:17:00Z", slug: daily}]',
    "nightly": '[{interval: 86400, anchor_date: "2026-01-01T04:23:00Z", slug: nightly}]',
}
"""What is written where the file has no anchor of that name."""


def undeployed(document: Any, streams: Path) -> list[Stream]:
    """Return the streams that can be read and that no entry loads."""
    entries = document.get("deployments") if isinstance(document, Mapping) else None
    loaded = {
        parameters.get("stream")
        for entry in entries or []
        if isinstance(entry, Mapping) and str(entry.get("entrypoint", "")).replace(":", ".").endswith("etl_pipeline")
        if isinstance(parameters := entry.get("parameters"), Mapping)
    }
    return [stream for stream in _readable(Catalog(streams)) if stream.name not in loaded]


def _readable(catalog: Catalog) -> Iterable[Stream]:
    for name in catalog.names():
        try:
            yield catalog.stream(name)
        except DatastreamError:
            continue  # who deploys is told of it by its entry, and `datastream doctor` looks at all


def with_entries(text: str, streams: Iterable[Stream]) -> str | None:
    """Return the text with the entries that it lacks of these streams; None where they cannot be added to it."""
    try:
        root = yaml.compose(text)
        before = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    listed = _deployments(root)
    if not isinstance(listed, yaml.SequenceNode) or listed.flow_style or not listed.value:
        return None
    there = {(e.get("entrypoint"), e.get("name")) for e in before["deployments"] if isinstance(e, dict)}
    anchors = {event.anchor for event in yaml.parse(text) if isinstance(event, yaml.NodeEvent)}
    added = [
        _entry(stream.name, *row, anchors=anchors)
        for stream in streams
        for row in _ENTRIES
        if (row[0], stream.name) not in there
        if row[0] != _BACKFILL or (isinstance(stream.source, ApiSpec) and stream.source.cursor)
    ]
    if not added:
        return text
    new = _inserted(text, listed, added)
    return new if _only_adds(before, new, len(added)) else None


def _deployments(root: yaml.Node | None) -> yaml.Node | None:
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == "deployments"), None)


def _entry(
    name: str,
    entrypoint: str,
    tag: str,
    said: str,
    own: str,
    pool: str,
    schedule: str,
    *,
    anchors: Collection[str | None],
) -> list[str]:
    def named(anchor: str) -> str:
        return f"*{anchor}" if anchor in anchors else _INSTEAD[anchor]

    word = name if isinstance(yaml.safe_load(name), str) else f'"{name}"'
    lines = [
        f"- name: {word}",
        f"  description: {said.replace('{}', name)}",
        f"  entrypoint: {entrypoint}",
        f"  tags: [{tag}]",
        f"  parameters: {{stream: {word}, {own}lake: {named('lake')}}}",
        f"  work_pool: {named('pool') if pool == 'pool' else named('high')}",
    ]
    return [*lines, f"  schedules: {named(schedule)}"] if schedule else lines


def _inserted(text: str, listed: yaml.SequenceNode, added: list[list[str]]) -> str:
    """Put the entries behind the last one; comments and blank lines that follow it stay behind them."""
    lines = text.splitlines(keepends=True)
    end = listed.value[-1].end_mark.line + (listed.value[-1].end_mark.column > 0)
    while not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#"):
        end -= 1
    if not lines[end - 1].endswith("\n"):
        lines[end - 1] += "\n"
    indent = " " * listed.start_mark.column
    block = "".join("\n" + "".join(f"{indent}{line}\n" for line in entry) for entry in added)
    return "".join([*lines[:end], block, *lines[end:]])


def _only_adds(before: Any, new: str, count: int) -> bool:
    try:
        after = yaml.safe_load(new)
    except yaml.YAMLError:
        return False
    rest = [{key: value for key, value in each.items() if key != "deployments"} for each in (before, after)]
    return rest[0] == rest[1] and after["deployments"][:-count] == before["deployments"]


def add(file: Path, streams: Iterable[Stream]) -> bool:
    """Add the entries of streams to the file; return whether it has changed."""
    if not file.exists():
        return False
    text = content(file)
    new = with_entries(text, streams)
    if new is None or new == text:
        return False
    replace(file, new)
    return True


def content(file: Path) -> str:
    """Return a file as it is, its ends of lines too."""
    with file.open(encoding="utf-8", newline="") as opened:
        return opened.read()


def replace(file: Path, text: str) -> None:
    """Write a file in one go: who is killed leaves the old one or the new one."""
    file = file.resolve()  # a link stays one
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, encoding="utf-8", newline="")
    new.chmod(file.stat().st_mode)
    new.replace(file)
