"""Carries out a suite with Great Expectations' own metrics and expectations. A suite is made ready once a process,
because building its graph of metrics costs as much as resolving it; answers are those of `Batch.validate`,
and an expectation that raises is never taken for an answer.
"""

import gc
import logging
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from datastream.quality.demand import Demand
from datastream.quality.errors import SuiteBroken, SuiteErrored
from datastream.quality.suite import Rule, Suite

if TYPE_CHECKING:
    import pandas as pd

_BATCH = "claim"
_CORE = "great_expectations.expectations.core."
_OURS_TO_SAY = ("result_format", "catch_exceptions", "batch_id")
_READ_THE_DATA_TO_PLAN = ("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list")
_SUITES_KEPT_READY = 32

_importing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Judge:
    """A rule made ready; `edges` is its part of the metric graph, or None where that depends on the data."""

    rule: Rule
    expectation: Any
    edges: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class Court:
    """A suite made ready, and what it needs of the data."""

    suite: Suite
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


def ready(suite: Suite) -> Court:
    """Return the suite made ready to judge; a type or kwargs that Great Expectations refuses raise SuiteBroken."""
    warm()
    return _court(suite, tuple(_implementation(suite, rule) for rule in suite.rules))


def judge(court: Court, frame: "pd.DataFrame", there: Iterable[object]) -> list[tuple[bool, dict[str, Any]]]:
    """Return success and COMPLETE result of every rule, in the order of the suite, or raise SuiteErrored,
    which tells the reader what columns are there.
    """
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.validator.validation_graph import ValidationGraph

    engine = PandasExecutionEngine(batch_data_dict={_BATCH: frame})
    parts: list[tuple[Any, ...]] = []
    for member in court.judges:
        with _answering(court.suite, member.rule, there):
            parts.append(_edges(member.expectation, engine) if member.edges is None else member.edges)
    graph = ValidationGraph(execution_engine=engine, edges=[edge for part in parts for edge in part])
    metrics, failed = graph.resolve(runtime_configuration=_runtime(), show_progress_bars=False)
    answers = []
    for member, part in zip(court.judges, parts, strict=True):
        _refuse_failed(court.suite, member.rule, part, failed, there)
        with _answering(court.suite, member.rule, there):
            answer = member.expectation.metrics_validate(metrics, _runtime(), engine)
        answers.append((_said(court.suite, member.rule, answer, there), answer.result))
    return answers


@lru_cache(maxsize=_SUITES_KEPT_READY)
def _court(suite: Suite, implementations: tuple[Any, ...]) -> Court:
    judges = tuple(_judge(suite, rule, kind) for rule, kind in zip(suite.rules, implementations, strict=True))
    own = {rule.type for rule, kind in zip(suite.rules, implementations, strict=True) if _is_core(kind)}
    return Court(suite, judges, Demand.of(suite.rules, own))


def _judge(suite: Suite, rule: Rule, kind: Any) -> Judge:
    import pandas as pd
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import ColumnAggregateExpectation

    expectation = _expectation(suite, rule, kind)
    fixed = _is_core(kind) and rule.type not in _READ_THE_DATA_TO_PLAN
    if not fixed or isinstance(expectation, ColumnAggregateExpectation):
        return Judge(rule, expectation, None)
    engine = PandasExecutionEngine(batch_data_dict={_BATCH: pd.DataFrame()})
    with _answering(suite, rule):
        return Judge(rule, expectation, _edges(expectation, engine))


def _implementation(suite: Suite, rule: Rule) -> Any:
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    try:
        return get_expectation_impl(rule.type)
    except ExpectationNotFoundError as error:
        way_out = "Correct the type, or import the module that defines it before the suite is used."
        raise SuiteBroken(suite.where(rule), "Great Expectations knows no such type", way_out) from error


def _expectation(suite: Suite, rule: Rule, kind: Any) -> Any:
    from great_expectations.exceptions import GreatExpectationsError

    try:
        expectation = kind(**_kwargs(rule.kwargs, kind))
    except (ValueError, TypeError, GreatExpectationsError) as error:
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
        kwargs["row_condition"] = {"type": "pass_through", "pass_through_filter": condition}
        kwargs.pop("condition_parser", None)
    return kwargs


def _is_core(kind: Any) -> bool:
    return str(kind.__module__).startswith(_CORE)


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


def _refuse_failed(suite: Suite, rule: Rule, part: tuple[Any, ...], failed: Any, there: Iterable[object]) -> None:
    for edge in part:
        for metric in (edge.left, edge.right):
            if metric is not None and metric.id in failed:
                reason = failed[metric.id]["exception_info"].exception_message
                raise SuiteErrored(suite.where(rule), reason, there)


def _said(suite: Suite, rule: Rule, answer: Any, there: Iterable[object]) -> bool:
    if answer.success is None or answer.exception_info.get("raised_exception"):
        reason = answer.exception_info.get("exception_message") or "it gave no answer"
        raise SuiteErrored(suite.where(rule), reason, there)
    return bool(answer.success)


@contextmanager
def _answering(suite: Suite, rule: Rule, there: Iterable[object] = ()) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # an expectation may be anybody's code, and whatever it raises is not an answer
        raise SuiteErrored(suite.where(rule), f"{type(error).__name__}: {error}", there) from error
