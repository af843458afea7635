"""Paginators: which request a position means, and which position comes after an answer."""

from typing import assert_never

from pydantic import TypeAdapter

from datastream.catalog import Auto, HeaderLink, NextLink, Offset, PageNumber, Paginate, Python, Single, Token
from datastream.sources.paginators.auto import Detected, detect
from datastream.sources.paginators.coded import Coded
from datastream.sources.paginators.contract import PagesWithoutEnd, Paginator
from datastream.sources.paginators.counted import Offsets, PageNumbers
from datastream.sources.paginators.linked import Links, OnePage, Tokens
from datastream.sources.window import Window

__all__ = ["PagesWithoutEnd", "Paginator", "detect", "paginator_of"]

_specs: TypeAdapter[Paginate] = TypeAdapter(Paginate)


def paginator_of(window: Window, base_url: str) -> Paginator:
    """Return the paginator that a window was opened with."""
    return _made(_specs.validate_python(window.paginate), window, base_url)


def _made(spec: Paginate, window: Window, base_url: str) -> Paginator:
    made: Paginator
    match spec:
        case PageNumber():
            made = PageNumbers(spec, window, base_url)
        case Offset():
            made = Offsets(spec, window, base_url)
        case NextLink() | HeaderLink():
            made = Links(spec, window, base_url)
        case Token():
            made = Tokens(spec, window, base_url)
        case Single():
            made = OnePage(window, base_url)
        case Python():
            made = Coded(spec, window, base_url)
        case Auto():
            made = Detected(window, base_url, lambda found: _made(found, window, base_url))
        case _:
            assert_never(spec)
    return made
