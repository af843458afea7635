"""Makes HTML of stories: a fragment a stream, and one page of all. Whatever is not ours is escaped by the templates."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from datastream.quality.check import Result
from datastream.report.words import WORST_FIRST, text, when

if TYPE_CHECKING:
    from jinja2 import Environment

    from datastream.report.story import Story

_OLD = timedelta(days=2)
"""A stream that was not checked for so long, while others were, is pointed at: what is told may not be so by now."""
_LONGEST = 1_000
_TEMPLATES = Path(__file__).parent / "templates"


class Fragment(msgspec.Struct, frozen=True, kw_only=True):
    """What the page holds of one stream."""

    stream: str
    at: datetime
    """When its checks were asked."""
    result: Result
    open: int
    held: int
    row: str
    section: str

    @property
    def rank(self) -> tuple[int, str]:
        """The order on the page: what is not as expected comes first."""
        return WORST_FIRST.index(self.result), self.stream


def fragment(told: "Story", at: datetime) -> Fragment:
    """Return a stream's part of the page."""
    return Fragment(
        stream=told.name, at=at, result=told.result, open=len(told.open), held=len(told.held),
        row=_render("row.html", story=told), section=_render("stream.html", story=told),
    )  # fmt: skip


def put_together(fragments: Sequence[Fragment]) -> bytes:
    """Return the page."""
    ordered = sorted(fragments, key=lambda each: each.rank)
    newest = max((each.at for each in ordered), default=None)
    old = [each for each in ordered if newest and newest - each.at > _OLD]
    wrong = sum(each.result == "not met" for each in ordered)
    sums = {"wrong": wrong, "open": sum(e.open for e in ordered), "held": sum(e.held for e in ordered)}
    return _render("page.html", fragments=ordered, newest=newest, old=old, style=_style(), **sums).encode()


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(values)


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False, finalize=_one_line,
    )  # fmt: skip
    made.filters |= {"when": when, "words": text}
    return made


def _one_line(value: object) -> object:
    """Return what a template is about to print: of a text, be it whose it may, a line without what does not show."""
    return text(value, _LONGEST) if type(value) is str else value  # Markup is ours


@lru_cache(maxsize=1)
def _style() -> str:
    return (_TEMPLATES / "quality.css").read_text()
