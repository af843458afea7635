"""Imports functions of the user's own, each named in a stream file as `module:function`."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from datastream.errors import Permanent


class Entry(NamedTuple):
    """A function, and the text of the module it stands in."""

    function: Callable[..., Any]
    source: str


def imported(entry: str, what: str, error_type: type[Permanent]) -> Entry:
    """Return what `module:function` names. Raises `error_type`, which names it by the stream's field `what`."""
    module_name, _, name = entry.partition(":")
    try:
        module = importlib.import_module(module_name)
        return Entry(getattr(module, name), inspect.getsource(module))
    except (Exception, SystemExit) as error:  # a user's module may raise anything, and it is told
        raise error_type(
            f"The {what} {entry!r} cannot be imported: {type(error).__name__}: {error}. Correct `{what}` in the "
            "stream, as module:function, or the module."
        ) from error
