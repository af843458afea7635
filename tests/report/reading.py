"""Reads a page as a browser does: which elements stand in it, with which attributes and texts."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

OURS = frozenset({
    "a", "body", "br", "code", "details", "div", "footer", "g", "h1", "h2", "h3", "head", "header", "html", "i", "li",
    "main", "meta", "p", "path", "rect", "section", "span", "strong", "style", "summary", "svg", "table", "tbody", "td",
    "th", "thead", "title", "tr", "ul",
})  # fmt: skip
_VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.left_open = self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self._open[-1] if self._open else "", data.strip()))

    @property
    def strangers(self) -> list[str]:
        """Elements that are not ours, and attributes that would run or load something."""
        tags = [tag for tag, _ in self.elements if tag not in OURS]
        loud = [
            f"{tag} {name}={value}"
            for tag, attrs in self.elements
            for name, value in attrs.items()
            if name.startswith("on") or name in ("src", "srcset", "xlink:href", "style")
        ]
        links = [href for href in self.links if not href.startswith(("#", "http://127.0.0.1:4200/runs/flow-run/"))]
        return tags + loud + links

    @property
    def links(self) -> list[str]:
        return [attrs["href"] or "" for _, attrs in self.elements if "href" in attrs]

    def cells(self) -> Iterator[str]:
        """Yield the texts of table cells."""
        yield from (text for tag, text in self.texts if tag in ("td", "th"))

    def said(self) -> str:
        """Return all that is to be read, but for the style."""
        return re.sub(r"\s+", " ", " ".join(text for tag, text in self.texts if tag != "style"))
