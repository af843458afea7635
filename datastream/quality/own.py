"""Expectations of the user's own: the Python modules that lie beside the suites. Great Expectations registers a class
of theirs when its module is imported; that is done when a suite first names a type that is not known.
"""

import importlib.util
import re
import sys
import threading
from collections.abc import Collection
from pathlib import Path

from datastream.quality.errors import SuiteBroken

_CLASS = re.compile(rb"^\s*class\s+(\w+)", re.MULTILINE)

_importing = threading.RLock()
_imported: set[Path] = set()


def load(folder: Path) -> None:
    """Import every module of the folder, each once a process, in the order of their names. Raises SuiteBroken."""
    with _importing:
        for file in sorted(folder.resolve().glob("*.py")):
            if file not in _imported:
                _import(file)
                _imported.add(file)


def _import(file: Path) -> None:
    name = f"{file.parent.name}.{file.stem}"  # as it is called where the project's folder is on the path
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - a .py file has both
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a user's module may raise anything, and it is told
        del sys.modules[name]
        raise SuiteBroken(
            str(file), f"it cannot be imported: {type(error).__name__}: {error}", "Correct the module."
        ) from error


def sources(folder: Path, types: Collection[str]) -> list[bytes]:
    """Return the texts of the modules that define one of these types. Nothing is imported. Raises SuiteBroken."""
    wanted = {kind.replace("_", "") for kind in types}
    texts = map(_text, sorted(folder.glob("*.py")))
    return [text for text in texts if wanted & {name.decode().lower() for name in _CLASS.findall(text)}]


def _text(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SuiteBroken(str(file), f"it cannot be read: {error}", "Make it a readable file.") from error
