"""Loads YAML and remembers the line of each value, so that an error can name it. Refuses a key given twice."""

from typing import Any

import yaml
from yaml.constructor import ConstructorError

Path = tuple[int | str, ...]


class Lines:
    """The line on which each value of a document begins."""

    def __init__(self, by_path: dict[Path, int]) -> None:
        self._by_path = by_path

    def of(self, path: Path) -> int:
        """Return the line of `path`, or of the nearest thing around it."""
        while path and path not in self._by_path:
            path = path[:-1]
        return self._by_path.get(path, 1)


def load_with_lines(text: str) -> tuple[Any, Lines]:
    """Return the document and its lines. Raises yaml.MarkedYAMLError."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, Lines({})
        by_path: dict[Path, int] = {}
        _walk(node, (), node.start_mark.line + 1, by_path)
        return loader.construct_document(node), Lines(by_path)
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: Path, line: int, into: dict[Path, int]) -> None:
    into[path] = line
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:  # as written: to construct it, merge keys put what they stand for beside the rest
            if key.value in seen:
                raise ConstructorError(None, None, f"the key {key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
            _walk(value, (*path, key.value), key.start_mark.line + 1, into)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*path, index), value.start_mark.line + 1, into)
