"""A stream as it stood at an earlier moment: time travel by a time, or by a commit.

A moment is how far each lane had come, so it holds whole commits; of a stream that is replaced, the snapshot that was
whole by then. What has expired or was forgotten since is gone from the past too.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from datastream.errors import Permanent
from datastream.lake.live import Live
from datastream.lake.manifest import Header
from datastream.lake.standing import Standing, counting

_COMMIT = re.compile(r"(?:(?P<stream>[^/]+)/)?(?P<name>.+-\d{12})$")

AsOf = datetime | str
"""A time, or the name of a commit: `0-000000000012`, or `flights/0-000000000012` where several streams have it."""


class MomentUnknown(Permanent):
    """It cannot be told which moment is meant."""


def past(streams: Mapping[str, Live], as_of: AsOf) -> dict[str, Standing]:
    """Return which commits of each stream counted at a moment. Raises MomentUnknown.

    A commit stands for itself on its own lane, and for the time of its decision on all others.
    """
    found = _COMMIT.match(as_of) if isinstance(as_of, str) else None
    if found is None:
        moment = _time(as_of)
        return {name: _at(each, moment) for name, each in streams.items()}
    header = _named(streams, found["stream"], found["name"])
    moments = {name: _at(each, header.decided_at) for name, each in streams.items()}
    moments[header.stream] = Standing({**moments[header.stream].lanes, header.lane: header.counts})
    return moments


def _at(stream: Live, moment: datetime) -> Standing:
    """A lane had come as far as its last commit that was decided by then: what lies before it came first."""
    headers = (commit.header for commit in stream.commits)
    return Standing(counting(header for header in headers if header.decided_at <= moment))


def _named(streams: Mapping[str, Live], stream: str | None, name: str) -> Header:
    wanted = streams if stream is None else {stream: streams[stream]} if stream in streams else {}
    found = [commit.header for each in wanted.values() for commit in each.commits if str(commit) == name]
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(f"{header.stream}/{name}" for header in found)
        raise MomentUnknown(f"The commit {name} is one of several streams. Write which you mean: {choices}.")
    raise MomentUnknown(
        f"There is no commit {name} of {stream or ' or '.join(streams) or 'any stream'}, or it has expired. "
        "`datastream lake files STREAM` names the commits that have rows."
    )


def _time(as_of: AsOf) -> datetime:
    try:
        moment = datetime.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        raise MomentUnknown(
            f"{as_of!r} is neither a time nor a commit. Write a time of ISO 8601, such as 2026-01-31T12:00:00Z, or a "
            "commit, such as 0-000000000012."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
