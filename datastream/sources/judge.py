"""Tells what an answer is: a page, nothing, something to be set aside, or why the run has to wait or to end.

The stream's own rules come first, then what its status usually means (RFC 9110, 15).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Literal

from datastream.catalog import AnswerRule
from datastream.errors import Permanent, Transient
from datastream.resilience.budget import Said
from datastream.sources.answer import Answer
from datastream.sources.exchange import PAGES
from datastream.sources.limits import wait_of

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_LAST_KNOWN = HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED
"""What is not registered above it is treated as 500 (RFC 9110, 15): proxies answer so when they reach nobody."""
_SHOWN = 200
Kind = Literal["page", "ignore", "quarantine"]


class ApiBusy(Transient):
    """The API answered that it cannot answer now."""


class ApiRefused(Permanent):
    """The API answered that the request is wrong."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ApiForgot(ApiRefused):
    """The API does not know us any more; it may with credentials that are renewed."""


class Judge:
    """The rules of one stream."""

    def __init__(self, rules: Sequence[AnswerRule] = ()) -> None:
        self._rules = rules

    def kind(self, answer: Answer, said: Said) -> Kind:
        """Return what an answer is. Raises ApiBusy, ApiForgot and ApiRefused, each with what the API said."""
        rule = self._rule(answer)
        then = rule.then if rule else _usual(answer.status)
        match then:
            case "page" | "ignore" | "quarantine":
                return then
            case "retry":
                raise _busy(answer, said)
            case "refresh":
                raise ApiForgot(f"{_told(answer)}. Correct headers or auth in the API block.", answer.status)
            case _:
                raise ApiRefused(
                    f"{_told(answer)}. Correct base_url, headers or auth in the API block, or path and params in the "
                    "stream; or say under source.errors what is done with such an answer.",
                    answer.status,
                )

    def heard(self, answer: Answer, said: Said, now: datetime) -> Said:
        """Return what an answer says of its budget, also in the header that a rule names."""
        if all(rule.wait is None for rule in self._rules):
            return said
        rule = self._rule(answer)
        rest = wait_of(answer.headers.get(rule.wait), now) if rule and rule.wait else None
        return said if rest is None else replace(said, rest=rest)

    def _rule(self, answer: Answer) -> AnswerRule | None:
        return next((rule for rule in self._rules if _fits(rule, answer)), None)

    @staticmethod
    def refuse_busy(answer: Answer, said: Said) -> None:
        """Raise ApiBusy if the status says that whoever answered cannot answer now."""
        if _is_busy(answer.status):
            raise _busy(answer, said)


def _busy(answer: Answer, said: Said) -> ApiBusy:
    asks = f" and asks to wait {said.rest.total_seconds():g} s" if said.rest else ""
    return ApiBusy(f"{_told(answer, asks)}. It is tried again later.", retry_after=said.rest)


def _fits(rule: AnswerRule, answer: Answer) -> bool:
    if rule.status and answer.status not in rule.status:
        return False
    if rule.contains is not None and rule.contains.encode() not in answer.body:
        return False
    if rule.path is None:
        return True
    if rule.equals_null:
        return answer.is_null(rule.path)
    found = answer.value_or_none(rule.path)
    if rule.equals is None:
        return found is not None and found is not False
    return found == rule.equals and isinstance(found, bool) == isinstance(rule.equals, bool)


def _usual(status: int) -> str:
    if status in PAGES:
        return "page"
    if _is_busy(status):
        return "retry"
    return "refresh" if status == HTTPStatus.UNAUTHORIZED else "fail"


def _is_busy(status: int) -> bool:
    return status in _BUSY or status > _LAST_KNOWN


def _told(answer: Answer, asks: str = "") -> str:
    return f"{answer.url} answered {answer.status}{asks}: {answer.excerpt(_SHOWN)!r}"
