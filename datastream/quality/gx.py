"""Carries out a suite with Great Expectations' own metrics and expectations. A suite is made ready once a process,
because building its graph of metrics costs as much as resolving it; answers are those of `Batch.validate`,
and an expectation that raises is never taken for an answer.
"""

import gc
import logging
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from datastream.quality import own
from datastream.quality.demand import Demand, Look, look_of
from datastream.quality.errors import SuiteBroken
from datastream.quality.suite import Rule, Suite

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

_BATCH = "claim"
_OURS_TO_SAY = ("result_format", "catch_exceptions", "batch_id")
_READ_THE_DATA_TO_PLAN = ("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list")
_SUITES_KEPT_READY = 32

_importing = threading.Lock()


class NoAnswer(Exception):
    """An expectation gave no answer that can be used."""


class Answer(NamedTuple):
    """What one rule says: whether it is met, and its COMPLETE result."""

    success: bool
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judge:
    """A rule made ready; `edges` is its part of the metric graph, or None where that depends on the data."""

    rule: Rule
    expectation: Any
    edges: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class Court:
    """Rules made ready that look at the same, and what they need of the data."""

    judges: tuple[Judge, ...]
    demand: Demand


@lru_cache(maxsize=1)
def warm() -> None:
    """Import Great Expectations now rather than with the first claim; later calls return at once.
    No data context is made, so nothing is reported to anybody and no progress bar is drawn. What the process holds by
    then is taken out of garbage collection.
    """
    with _importing, warnings.catch_warnings():
        # It imports sre_constants, deprecated since Python 3.11, and diverts the whole process's warnings to logging.
        warnings.simplefilter("ignore", DeprecationWarning)
        shown_by = warnings.showwarning
        import great_expectations.expectations  # noqa: F401

        if warnings.showwarning is not shown_by:
            logging.captureWarnings(capture=False)
    # What is imported stays: a full collection would walk its million objects while every thread stands still.
    gc.collect()
    gc.freeze()


def ready(suite: Suite) -> tuple[Court, ...]:
    """Return the suite made ready to judge: mostly one court, and others for rules that look at all columns, which
    would slow the rest. A type or kwargs that Great Expectations refuses raise SuiteBroken.
    """
    warm()
    return _courts(suite, tuple(_implementation(suite, rule) for rule in suite.rules))


def ask(court: Court, frame: "pd.DataFrame") -> list[Answer | None]:
    """Return what every rule of the court says, at the price of one run; None where one raised."""
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.validator.validation_graph import ValidationGraph

    engine = PandasExecutionEngine(batch_data_dict={_BATCH: frame})
    parts = [_or_none(partial(_part, member, engine)) for member in court.judges]
    graph = ValidationGraph(execution_engine=engine, edges=[edge for part in parts for edge in part or ()])
    resolved = _or_none(partial(graph.resolve, runtime_configuration=_runtime(), show_progress_bars=False))
    if resolved is None:
        return [None] * len(parts)
    metrics, failed = resolved
    return [
        None if part is None or _rests_on(part, failed) else _or_none(partial(_answer, member, metrics, engine, frame))
        for member, part in zip(court.judges, parts, strict=True)
    ]


def ask_alone(member: Judge, frame: "pd.DataFrame") -> Answer:
    """Return what one rule says. It raises what the rule raises, or NoAnswer."""
    from great_expectations.exceptions import MetricResolutionError
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.validator.validation_graph import ValidationGraph

    engine = PandasExecutionEngine(batch_data_dict={_BATCH: frame})
    try:
        graph = ValidationGraph(execution_engine=engine, edges=list(_part(member, engine)))
        metrics, _ = graph.resolve({**_runtime(), "catch_exceptions": False}, show_progress_bars=False)
        return _answer(member, metrics, engine, frame)
    except MetricResolutionError as error:
        raise (error.__cause__ or error) from None
    except SystemExit as error:
        raise NoAnswer(f"it would have ended the process: SystemExit: {error}") from error


@lru_cache(maxsize=_SUITES_KEPT_READY)
def _courts(suite: Suite, implementations: tuple[Any, ...]) -> tuple[Court, ...]:
    together: dict[Look, list[Judge]] = {}
    for rule, kind in zip(suite.rules, implementations, strict=True):
        together.setdefault(look_of(rule, core=_is_core(kind)), []).append(_judge(suite, rule, kind))
    return tuple(
        Court(tuple(judges), Demand.of([judge.rule for judge in judges], look)) for look, judges in together.items()
    )


def _judge(suite: Suite, rule: Rule, kind: Any) -> Judge:
    import pandas as pd
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import ColumnAggregateExpectation

    expectation = _expectation(suite, rule, kind)
    fixed = _is_core(kind) and rule.type not in _READ_THE_DATA_TO_PLAN
    if not fixed or isinstance(expectation, ColumnAggregateExpectation):
        return Judge(rule, expectation, None)
    engine = PandasExecutionEngine(batch_data_dict={_BATCH: pd.DataFrame()})
    return Judge(rule, expectation, _or_none(partial(_edges, expectation, engine)))


def _implementation(suite: Suite, rule: Rule) -> Any:
    found = _registered(rule.type)
    if suite.folder is not None and (found is None or (own.is_broken(suite.folder) and not _is_core(found))):
        own.load(suite.folder)
        found = _registered(rule.type)
    if found is None:
        beside = f"a module in {suite.folder}" if suite.folder else "a module that is imported before"
        way_out = f"Correct the type, or define it in {beside}."
        raise SuiteBroken(suite.where(rule), "Great Expectations knows no such type", way_out)
    return found


def _registered(kind: str) -> Any:
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    with suppress(ExpectationNotFoundError):
        return get_expectation_impl(kind)
    return None


def _expectation(suite: Suite, rule: Rule, kind: Any) -> Any:
    try:
        expectation = kind(**_kwargs(rule.kwargs, kind))
    except (Exception, SystemExit) as error:  # it may be anybody's code, and it is told
        raise SuiteBroken(suite.where(rule), str(error), "Correct its kwargs.") from error
    if getattr(expectation, "condition_parser", None) is not None:
        expectation.condition_parser = None  # its work is done: row_condition is an object now, and it warns if kept
    return expectation


def _kwargs(given: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    kwargs = {key: value for key, value in given.items() if key not in _OURS_TO_SAY}
    if "batch_id" in kind.__fields__:
        kwargs["batch_id"] = _BATCH
    condition = kwargs.get("row_condition")
    if isinstance(condition, str) and kwargs.get("condition_parser") in (None, "pandas"):
        # What Great Expectations itself makes of the text, without its warning at every claim.
        kwargs["row_condition"] = condition = {"type": "pass_through", "pass_through_filter": condition}
    if not isinstance(condition, str):  # an object needs no parser, though it is saved beside one that was a text
        kwargs.pop("condition_parser", None)
    return kwargs


def _is_core(kind: Any) -> bool:
    return str(kind.__module__).startswith(own.CORE)


def _runtime() -> dict[str, Any]:
    # A new one each time, because expectations write into it. The index query is the index list again, as text.
    return {"result_format": {"result_format": "COMPLETE", "return_unexpected_index_query": False}}


def _edges(expectation: Any, engine: Any) -> tuple[Any, ...]:
    from great_expectations.validator.metrics_calculator import MetricsCalculator

    needed = expectation.get_validation_dependencies(execution_engine=engine, runtime_configuration=_runtime())
    graph = MetricsCalculator(engine, show_progress_bars=False).build_metric_dependency_graph(
        needed.get_metric_configurations(), runtime_configuration=_runtime()
    )
    return tuple(graph.edges)


def _part(member: Judge, engine: Any) -> tuple[Any, ...]:
    return _edges(member.expectation, engine) if member.edges is None else member.edges


def _rests_on(part: tuple[Any, ...], failed: Any) -> bool:
    return any(metric.id in failed for edge in part for metric in (edge.left, edge.right) if metric is not None)


def _answer(member: Judge, metrics: Any, engine: Any, frame: "pd.DataFrame") -> Answer:
    said = member.expectation.metrics_validate(metrics, _runtime(), engine)
    if said.success not in (True, False) or said.exception_info.get("raised_exception"):
        raise NoAnswer(said.exception_info.get("exception_message") or "it gave no answer")
    rows = said.result.get("unexpected_index_list")
    if rows and not (min(rows) >= 0 and max(rows) < len(frame)):
        raise NoAnswer("it names rows that are not there")
    return Answer(bool(said.success), said.result)


def _or_none(asked: Callable[[], T]) -> T | None:
    # An expectation may be anybody's code; what it raises is told when it is asked alone.
    with suppress(Exception, SystemExit):
        return asked()
    return None
