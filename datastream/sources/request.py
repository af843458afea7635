"""One question to an API, and where its parameters go."""

import json
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import msgspec
from urllib3.connection import port_by_scheme
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from datastream.catalog import Place

Value = str | int | float | bool
Values = Value | list[Value]


class Request(msgspec.Struct, frozen=True):
    """One question. Two that are equal ask the same."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: bytes | None = None

    def __str__(self) -> str:
        return self.url if self.method == "GET" else f"{self.method} {self.url}"


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked page after page, as a stream's file says it and each manifest of an open window keeps it."""

    path: str
    method: str = "GET"
    params: dict[str, Values] = {}
    headers: dict[str, str] = {}
    body: dict[str, Any] | None = None
    form: bool = False
    """The body is sent as a form, not as JSON."""

    def with_(self, place: Place, name: str | None, value: Value | None) -> Self:
        """Return the question with one parameter more; without a name or a value it stays as it is."""
        if name is None or value is None:
            return self
        match place:
            case "query":
                return msgspec.structs.replace(self, params={**self.params, name: value})
            case "header":
                return msgspec.structs.replace(self, headers={**self.headers, name: str(value)})
            case _:
                path = [name] if self.form else name.split(".")  # a form has no nested values
                return msgspec.structs.replace(self, body=_within(self.body or {}, path, value))

    def at(self, base_url: str) -> Request:
        """Return the request that asks it."""
        url = f"{base_url}/{self.path.lstrip('/')}" if self.path else base_url
        if self.params:
            url += f"{'&' if '?' in url else '?'}{_encoded(self.params)}"
        if self.body is None:
            return Request(url, self.method, self.headers)
        kind = "application/x-www-form-urlencoded" if self.form else "application/json"
        body = _encoded(self.body) if self.form else json.dumps(self.body)
        return Request(url, self.method, {"Content-Type": kind, **self.headers}, body.encode())


def _encoded(values: Mapping[str, Any]) -> str:
    """Return values as a query or a form: each of a list by itself, and true and false as JSON writes them."""
    return urlencode({name: _words(value) for name, value in values.items()}, doseq=True)


def _words(value: Any) -> Any:
    if isinstance(value, list):
        return [_words(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else value


def _within(body: Mapping[str, Any], path: list[str], value: Value) -> dict[str, Any]:
    name, *rest = path
    inner = body.get(name)
    return {**body, name: _within(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}


def same_host(url: str, home: str) -> bool:
    """Tell whether what belongs to `home` may be sent to an address: one of its scheme, host and port, or of its TLS.

    What connects reads the addresses here too: two readers may find two hosts in one address.
    """
    try:
        there, here = parse_url(url), parse_url(home)
    except LocationParseError:
        return False
    if there.auth is not None or there.host != here.host:
        return False
    if (here.scheme, there.scheme) == ("http", "https"):
        return True
    return there.scheme == here.scheme and _port(there) == _port(here)


def _port(url: Url) -> int | None:
    return url.port or port_by_scheme.get(url.scheme or "")


def drops_parameters(url: str, asked: str) -> bool:
    """Tell whether an address is that which was asked but for parameters: its answer would be another page's."""
    there, here = urlsplit(url), urlsplit(asked)
    same = there.path.rstrip("/") == here.path.rstrip("/")
    return same and not {*parse_qsl(here.query)} <= {*parse_qsl(there.query)}


def joined(current: str, link: str) -> str:
    """Return the absolute address of a link, without its fragment; what is no address stays as it is."""
    try:
        return urlunsplit(urlsplit(urljoin(current, link))._replace(fragment=""))
    except ValueError:
        return link
