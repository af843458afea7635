"""Writes what a new stream needs: its file, a draft of its suite, and its entries in `prefect.yaml`."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from pydantic import BaseModel, ValidationError

from datastream.catalog import Stream
from datastream.errors import Permanent
from datastream.sources.request import same_host
from deployments.deploying.entries import add as add_entries

_PAGES = ("page", "offset", "start", "cursor", "page_token", "pageToken", "after")
"""Parameters of a page: they do not belong to what is asked."""
_SECRETS = frozenset({
    "apikey", "appkey", "key", "subscriptionkey", "token", "accesstoken", "apitoken", "authtoken", "refreshtoken",
    "secret", "apisecret", "clientsecret", "password", "passwd", "pwd", "sig", "signature",
})  # fmt: skip
"""What parameters of secrets are called, in lower case and without what joins words."""


class NotAStream(Permanent):
    """What was given describes no stream."""


class NotBehindBlock(Permanent):
    """An address is not one of the API that a block is for."""


class ParametersUnfit(Permanent):
    """Parameters of an address cannot stand in a stream file."""


class StreamThere(Permanent):
    """A stream, or a suite, of that name is there already."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A stream to be."""

    name: str
    url: str
    records: str
    paginate: Mapping[str, Any]
    key: Sequence[str]
    block: str | None = None
    """The block that holds the connection; without it, it stands in the file."""
    base_url: str = ""
    """What the block's address is; the stream's path goes on behind it."""
    private_networks: Sequence[str] = ()
    cursor: Mapping[str, Any] | None = None

    @property
    def described(self) -> dict[str, Any]:
        """The stream as its file describes it."""
        parts = urlsplit(self.url)
        path = parts.path.removeprefix(urlsplit(self.base_url).path)
        params = dict(_params(self.url))
        address: dict[str, Any] = {"base_url": f"{parts.scheme}://{parts.netloc}"}
        address |= {"private_networks": list(self.private_networks)} if self.private_networks else {}
        source: dict[str, Any] = {"kind": "api", "block": self.block or address, "path": path or "/"}
        source |= {"params": params} if params else {}
        source |= {"records": self.records} if self.records else {}
        source |= {"paginate": dict(self.paginate)}
        source |= {"cursor": dict(self.cursor)} if self.cursor else {}
        return {"name": self.name, "source": source, "key": list(self.key), "suite": self.name}

    @property
    def suite(self) -> dict[str, Any]:
        """A suite that says as much as is sure: the key is there."""
        rules = [
            {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": name}, "severity": "critical"}
            for name in self.key
        ]
        return {"name": self.name, "expectations": rules}


def refuse_unfit(url: str) -> None:
    """Raise ParametersUnfit if parameters of an address are secrets by their names, or stand there more than once."""
    names = [name for name, _ in _params(url)]
    for name in names:
        if re.sub(r"[^a-z0-9]", "", name.lower()) in _SECRETS:
            raise ParametersUnfit(
                f"The parameter {name!r} of --url is called like a secret, and the stream file is for everybody to "
                f"read. Save its value in an API block, as auth: {{kind: api_key, name: {name}, place: query, value: "
                "...}, and run again with --block api-source/NAME and an address without it. If it is no secret, leave "
                "it out here, and write it into the file under params."
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParametersUnfit(
            f"--url names {', '.join(twice)} more than once, and a stream's params hold one value of each. Leave one, "
            "with the others in it if the API takes a list, such as a,b."
        )


def _params(url: str) -> list[tuple[str, str]]:
    """Return the parameters of an address, but those of a page."""
    query = url.partition("#")[0].partition("?")[2]
    return [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in _PAGES]


def refuse_wrong(model: type[BaseModel], given: Mapping[str, Any]) -> None:
    """Raise NotAStream if a model does not take what was given, with what is wrong of it."""
    try:
        model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        raise NotAStream(f"{'.'.join(map(str, first['loc']))}: {said}. Correct it, and run again.") from error


def refuse_elsewhere(url: str, base_url: str, block: str) -> None:
    """Raise NotBehindBlock if an address is not behind that of a block: its credentials belong there alone."""
    if not same_host(url, base_url) or not f"{urlsplit(url).path}/".startswith(f"{urlsplit(base_url).path}/"):
        raise NotBehindBlock(
            f"{url} is not behind {base_url}, where the block {block!r} and its credentials belong. Give an "
            "address that begins like that, or another block."
        )


def write(project: Path, streams: Path, expectations: Path, draft: Draft) -> list[Path]:
    """Write a draft, and return the files that are new or have changed. Raises StreamThere and NotAStream."""
    stream, suite, deployments = (
        streams / f"{draft.name}.yaml",
        expectations / f"{draft.name}.json",
        project / "prefect.yaml",
    )
    there = [str(path) for path in (stream, suite) if path.exists()]
    if there:
        raise StreamThere(f"{' and '.join(there)} exist already. Edit them, or give the stream another name.")
    refuse_wrong(Stream, draft.described)
    described = Stream.model_validate(draft.described)
    for file in (stream, suite):
        file.parent.mkdir(parents=True, exist_ok=True)
    editor = "# yaml-language-server: $schema=stream.schema.json\n"
    stream.write_text(editor + _as_yaml(draft.described))
    suite.write_text(json.dumps(draft.suite, indent=2) + "\n")
    return [stream, suite, *([deployments] if add_entries(deployments, [described]) else [])]


def _as_yaml(described: Mapping[str, Any]) -> str:
    """Return a stream as a person would write it: times without a tag, which YAML does not need."""
    text = yaml.safe_dump(described, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)
    return re.sub(r"!!timestamp '(\S+) (\S+?)(?:\+00:00)?'", r"\1T\2Z", text)
