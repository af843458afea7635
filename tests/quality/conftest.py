"""What the tests of suites share: a suite from a few words, and Great Expectations itself as the oracle."""

import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from datastream.quality import Rule, Suite, Verdict, validate, warm

SuiteOf = Callable[..., Suite]
Judge = Callable[..., Verdict]
Oracle = Callable[[pd.DataFrame, str, dict[str, Any]], tuple[bool, list[int] | None] | None]


@pytest.fixture(scope="session")
def suite_of() -> SuiteOf:
    """Build a suite of (type, kwargs) or (type, kwargs, severity)."""

    def build(*rules: tuple[Any, ...]) -> Suite:
        return Suite.of("tested", tuple(Rule(number, *rule) for number, rule in enumerate(rules)))

    return build


@pytest.fixture(scope="session")
def judge(suite_of: SuiteOf) -> Judge:
    """Validate data against rules given as to `suite_of`."""
    return lambda data, *rules: validate(data, suite_of(*rules))


@pytest.fixture(scope="session")
def oracle() -> Oracle:
    """Ask plain Great Expectations: a data source, a batch, `Batch.validate` with the format COMPLETE.

    None stands for an error.
    """
    warm()
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("oracle").add_dataframe_asset("frame")
    whole = asset.add_batch_definition_whole_dataframe("whole")

    def ask(frame: pd.DataFrame, kind: str, kwargs: dict[str, Any]) -> tuple[bool, list[int] | None] | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of each condition that is a text, and of what its metrics do
            expectation = ExpectationConfiguration(type=kind, kwargs=kwargs).to_domain_obj()
            answer = whole.get_batch({"dataframe": frame}).validate(expectation, result_format="COMPLETE")
        if answer.exception_info.get("raised_exception") is not False:
            return None
        return answer.success, answer.result.get("unexpected_index_list")

    return ask
