"""Reads stream files. A wrong one is refused with file, line, what is wrong and the way out."""

import difflib
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from datastream.catalog.lines import Lines, load_with_lines
from datastream.catalog.model import NAME
from datastream.catalog.source import ApiSpec
from datastream.catalog.stream import Stream
from datastream.catalog.upkeep import QUALITY_UPKEEP, Upkeep
from datastream.errors import Permanent


class StreamMissing(Permanent):
    """No file describes the stream."""


class StreamInvalid(Permanent):
    """A stream's file cannot be understood."""


class Catalog:
    """The stream files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the names of all streams, sorted."""
        return sorted(file.stem for file in self._folder.glob("*.yaml"))

    def stream(self, name: str) -> Stream:
        """Return one stream, checked. Raises StreamMissing or StreamInvalid."""
        if not re.fullmatch(NAME, name):
            raise StreamMissing(
                f"{name!r} cannot be the name of a stream. Names are lower-case letters, digits, '-' and '_', "
                "at most 63 characters, and begin with a letter or digit."
            )
        file = self._folder / f"{name}.yaml"
        if not file.is_file():
            raise StreamMissing(f"Stream {name!r} does not exist: there is no {file}. {self._nearest(name)}")
        stream = read_stream(file)
        self._require_parent(stream, file)
        return stream

    def upkeep(self, name: str) -> Stream | Upkeep:
        """Return how the files of a stream are kept, or those of what checks said: of those there is no file.

        Raises StreamMissing or StreamInvalid.
        """
        return QUALITY_UPKEEP if name == QUALITY_UPKEEP.name else self.stream(name)

    def _require_parent(self, stream: Stream, file: Path) -> None:
        parent = stream.source.parent if isinstance(stream.source, ApiSpec) else None
        if parent and not (self._folder / f"{parent.stream}.yaml").is_file():
            raise StreamInvalid(f"{file}: its parent {parent.stream!r} does not exist. {self._nearest(parent.stream)}")

    def _nearest(self, name: str) -> str:
        known = self.names()
        if not known:
            return "No stream is described there yet."
        close = difflib.get_close_matches(name, known, n=1)
        return f"Did you mean {close[0]!r}?" if close else f"Known streams: {', '.join(known)}."


def read_stream(file: Path) -> Stream:
    """Read and check one stream file."""
    try:
        content = file.read_bytes()
        document, lines = load_with_lines(content.decode())
    except (OSError, UnicodeDecodeError) as error:
        raise StreamInvalid(f"{file} cannot be read: {error}.") from error
    except yaml.MarkedYAMLError as error:
        raise StreamInvalid(_not_yaml(file, error)) from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise StreamInvalid(f"{file}: this is not YAML that can be read: {error}. Mend the file.") from error
    if not isinstance(document, Mapping):
        raise StreamInvalid(f"{file} describes no stream: it must be a mapping that begins with 'name: {file.stem}'.")
    try:
        stream = Stream.model_validate(document)
    except ValidationError as error:
        raise StreamInvalid("\n".join(_sentences(file, lines, error))) from error
    if stream.name != file.stem:
        raise StreamInvalid(
            f"{file}, line {lines.of(('name',))}: name is {stream.name!r}, but the file is called {file.name}. "
            "Make them equal."
        )
    version = hashlib.sha256(content).hexdigest()[:12]
    return stream.model_copy(update={"version": version})


def _not_yaml(file: Path, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f", line {mark.line + 1}" if mark else ""
    return f"{file}{where}: this is not YAML: {error.problem or error.context}. Mend that line."


def _sentences(file: Path, lines: Lines, error: ValidationError) -> list[str]:
    return [f"{file}, line {lines.of(_place(e))}: {_dotted(e['loc'])}{_what(dict(e))}" for e in error.errors()]


def _place(error: Any) -> tuple[int | str, ...]:
    """Return where the value stands that is wrong; of a mapping of an unknown kind, that is the kind."""
    wrong_kind = error["type"] == "union_tag_invalid"
    return (*_path(error["loc"]), "kind") if wrong_kind else _path(error["loc"])


_TAGS = {"api", "webhook", "page_number", "next_link", "str", "ApiAddress", "WebhookConfig", "datetime", "int"}
"""Names of union members that pydantic puts into a location; a person's file has no such level."""


def _path(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    return tuple(part for part in location if part not in _TAGS)


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in _path(location))


def _what(error: dict[str, Any]) -> str:
    """Return what is wrong with a value, and the way out. A mapping may hold secrets, and is not shown."""
    kind, context = error["type"], error.get("ctx", {})
    known = {
        "missing": " is missing. Add it.",
        "extra_forbidden": " is not a field of a stream. Remove it, or mend its spelling.",
        "union_tag_not_found": f" needs a {context.get('discriminator')}.",
        "union_tag_invalid": f".kind is {context.get('tag')!r}; choose one of {context.get('expected_tags')}.",
    }
    if kind in known:
        return known[kind]
    secret = {"headers", "secrets"} & set(error["loc"]) or isinstance(error["input"], dict)
    given = "wrong" if secret else repr(error["input"])
    if kind == "string_pattern_mismatch":
        return f" is {given}, which does not match {context['pattern']}."
    message = error["msg"].removeprefix("Value error, ")
    return f" is {given}: {message[:1].lower()}{message[1:]}."
