"""Expectations of the user's own: the Python modules that lie beside the suites. Great Expectations registers a class
of theirs when its module is imported; that is done when a suite first names a type that is not known.
"""

import importlib.util
import re
import sys
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from datastream.quality.errors import SuiteBroken

CORE = "great_expectations.expectations.core."
"""Where Great Expectations keeps its own."""
_CLASS = re.compile(rb"^\s*class\s+(\w+)", re.MULTILINE)

_importing = threading.RLock()
_imported: set[Path] = set()
_broken: set[Path] = set()


def load(folder: Path) -> None:
    """Import every module of the folder, each once a process, in the order of their names. Raises SuiteBroken."""
    with _importing:
        _broken.add(folder)
        for file in sorted(folder.resolve().glob("*.py")):
            if file not in _imported:
                _import(file)
                _imported.add(file)
        _broken.remove(folder)


def is_broken(folder: Path) -> bool:
    """Tell whether a module of the folder could not be imported: then what the others define is not to be trusted."""
    return folder in _broken


def _import(file: Path) -> None:
    name = f"{file.parent.name}.{file.stem}"  # as it is called where the project's folder is on the path
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - a .py file has both
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    before = _registered()
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's module may raise anything, and it is told
        del sys.modules[name]
        raise SuiteBroken(
            str(file), f"it cannot be imported: {type(error).__name__}: {error}", "Correct the module."
        ) from error
    _refuse_twins(file, name, before)


def _refuse_twins(file: Path, name: str, before: Mapping[str, Any]) -> None:
    """Give back the types that a module took from Great Expectations or from a module beside it, and refuse it: what
    a suite says would hang on what was imported by then.
    """
    from great_expectations.expectations.registry import register_expectation

    now, others = _registered(), (CORE, f"{file.parent.name}.")
    taken = [each for kind, each in before.items() if each is not now[kind] and each.__module__ != name]
    for theirs in [each for each in taken if each.__module__.startswith(others)]:
        register_expectation(theirs)
        reason = f"it defines {theirs.__name__} once more, which {theirs.__module__} defines already."
        raise SuiteBroken(str(file), reason, "Give the class another name.")


def _registered() -> dict[str, Any]:
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    return {kind: get_expectation_impl(kind) for kind in list_registered_expectation_implementations()}


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
