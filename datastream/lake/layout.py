"""Every key of the lake, spelt once. Names are made of lane and sequence number: the same claim, the same name."""

import re
from collections.abc import Iterable

LANE = "0"
REPLAY = "replay"
"""The lane by which rows leave the quarantine."""
LOGS = "_log/"
"""The folder of all logs: it holds one folder a stream."""
QUALITY = "_quality"
"""The stream of what checks of the others said, a lane each; no stream of a file can bear the name."""
PROOF = "_proof/create-only"
"""The object by which a store proves that it never overwrites; those of races are named after it."""
PAGE = "_report/quality.html"
"""The quality page: of all objects the only one besides indexes and marks that is replaced."""
FRAGMENTS = "_report/streams/"
"""The folder of what the page is put together of: it holds one folder a stream."""
_REWRITTEN = "rewritten-"
_ATTEMPT = re.compile(r"(\d{12})-[0-9a-f]{8}-\d{4,}\.parquet$")
_COMMITTED = re.compile(r"(/data|^_quarantine/[^/]+)/([^/]+=[^/]+/)?[A-Za-z0-9][\w-]*-\d{12}(-[^/]*)?\.parquet$")
_SEQ = re.compile(r"/(\d{12})\.(plan|json|index|announced|fragment)$")


def log_folder(stream: str, lane: str) -> str:
    """Return the folder of a lane's log."""
    return f"{log_of(stream)}{lane}/"


def log_of(stream: str) -> str:
    """Return the folder of a stream's log: it holds one folder a lane."""
    return f"{LOGS}{stream}/"


def plans_of(stream: str) -> str:
    """Return the folder of a stream's plans: it holds one folder a lane."""
    return f"_plans/{stream}/"


def plan_folder(stream: str, lane: str) -> str:
    """Return the folder of a lane's plans. They lie apart from the log, which is long: finding them lists few."""
    return f"{plans_of(stream)}{lane}/"


def plan(stream: str, lane: str, seq: int) -> str:
    """Return the key of a claim's plan."""
    return f"{plan_folder(stream, lane)}{seq:012}.plan"


def index_folder(stream: str, lane: str) -> str:
    """Return the folder of the index over a lane's log."""
    return f"_index/{stream}/{lane}/"


def index(stream: str, lane: str, seq: int) -> str:
    """Return the key of the index over a lane's commits up to `seq`."""
    return f"{index_folder(stream, lane)}{seq:012}.index"


def manifest(stream: str, lane: str, seq: int) -> str:
    """Return the key of a claim's manifest: the commit."""
    return f"{log_folder(stream, lane)}{seq:012}.json"


def schema_folder(stream: str) -> str:
    """Return the folder of the versions of a stream's schema."""
    return f"_schema/{stream}/"


def schema(stream: str, version: int) -> str:
    """Return the key of a version of a stream's schema."""
    return f"{schema_folder(stream)}{version:012}.json"


def data_folder(stream: str) -> str:
    """Return the folder of a stream's data."""
    return f"{stream}/data/"


def data_file(stream: str, partition: str, lane: str, seq: int, part: int) -> str:
    """Return the key of one data file; `partition` is empty for a stream without partitions."""
    folder = f"{data_folder(stream)}{partition}/" if partition else data_folder(stream)
    return f"{folder}{lane}-{seq:012}-{part:04}.parquet"


def quarantine_folder(stream: str) -> str:
    """Return the folder of a stream's quarantine."""
    return f"_quarantine/{stream}/"


def quarantine_file(stream: str, lane: str, seq: int) -> str:
    """Return the key of what one claim set aside."""
    return f"{quarantine_folder(stream)}{lane}-{seq:012}.parquet"


def announced_folder(stream: str, lane: str, to: str = "events") -> str:
    """Return the folder that says how far a lane's commits are announced, on the event bus or by webhook (`alerts`)."""
    return f"_{to}/{stream}/{lane}/"


def announced(stream: str, lane: str, seq: int, to: str = "events") -> str:
    """Return the key of the mark that all commits up to `seq` are announced."""
    return f"{announced_folder(stream, lane, to)}{seq:012}.announced"


def commit_name(lane: str, seq: int) -> str:
    """Return what a commit is called in rows, tables and commands."""
    return f"{lane}-{seq:012}"


def commit_of(name: str) -> tuple[str, int]:
    """Return the lane and the number of a commit by its name."""
    lane, _, seq = name.rpartition("-")
    return lane, int(seq)


def sequences(keys: Iterable[str], ending: str) -> list[int]:
    """Return the sequence numbers of the objects among `keys` with an ending, such as `plan` or `json`, in order."""
    found = (_SEQ.search(key) for key in keys)
    return sorted(int(match[1]) for match in found if match and match[2] == ending)


def fragment_folder(stream: str) -> str:
    """Return the folder of what the quality page tells of a stream."""
    return f"{FRAGMENTS}{stream}/"


def fragment(stream: str, seq: int) -> str:
    """Return the key of what the page tells of a stream as its commit `seq` of `_quality` knows it."""
    return f"{fragment_folder(stream)}{seq:012}.fragment"


def probe(name: str) -> str:
    """Return the key of an object that is written to see whether the lake can be, and deleted at once."""
    return f"_tmp/probe-{name}"


def rewrites_folder(stream: str) -> str:
    """Return the folder of what maintenance did to a stream: a gapless log of its own."""
    return f"_maintenance/{stream}/"


def rewrite(stream: str, seq: int) -> str:
    """Return the key of one rewrite."""
    return f"{rewrites_folder(stream)}{seq:012}.json"


def compact_folder(stream: str) -> str:
    """Return the folder of the files that rewrites made of a stream's data."""
    return f"{stream}/compact/"


def rewritten_data(stream: str, partition: str, seq: int, attempt: str, part: int) -> str:
    """Return the key of a data file of a rewrite. What it holds is no function of `seq`, so attempts differ by name."""
    folder = f"{compact_folder(stream)}{partition}/" if partition else compact_folder(stream)
    return f"{folder}{seq:012}-{attempt}-{part:04}.parquet"


def rewritten_quarantine(stream: str, seq: int, attempt: str, part: int) -> str:
    """Return the key of a quarantine file of a rewrite."""
    return f"{quarantine_folder(stream)}{_REWRITTEN}{seq:012}-{attempt}-{part:04}.parquet"


def is_quarantine(key: str) -> bool:
    """Tell whether a file holds what was set aside."""
    return key.startswith("_quarantine/")


def partition_of(key: str) -> str:
    """Return the partition's folder that a data file lies in; empty for one without."""
    return "/".join(key.split("/")[2:-1])


def attempt_of(key: str) -> int | None:
    """Return the number of the rewrite that a file was written for; None if a commit wrote it."""
    folder, _, name = key.rpartition("/")
    name = name.removeprefix(_REWRITTEN) if is_quarantine(key) else name if "/compact" in folder else ""
    found = _ATTEMPT.match(name)
    return int(found[1]) if found else None


def looks_committed(key: str) -> bool:
    """Tell whether a file's name is one that a commit gives: its lane, its number, and perhaps more."""
    return _COMMITTED.search(key) is not None
