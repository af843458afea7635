"""Great Expectations' own Data Docs of one batch, on demand: they take seconds to build, and are no part of any run.

They are what Great Expectations makes of its own objects, but for three things: no value of a masked column is in them;
values are escaped, which its templates do not do, so that a row with a script in it would run; and the logo that its
pages fetch from its makers, with a number of the reader's project, is the one that lies beside.
"""

import json
import os
import re
import shutil
import warnings
from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datastream.errors import Permanent
from datastream.masking import MASKED, Mask
from datastream.quality import gx
from datastream.quality.frame import frame_of
from datastream.quality.report import clean
from datastream.quality.suite import Rule, Suite

if TYPE_CHECKING:
    import pyarrow as pa

_MARK = ".datastream-docs"
_OURS = "gx"
_LOGO = Path("static") / "images" / "logo-long.png"
_FETCHED = re.compile(r"https://great-expectations-web-assets\.[^\"' )]*")
_COUNTS = re.compile(r"(element|unexpected|missing)_(count|percent\w*)")
_NOT_KWARGS = ("result_format", "catch_exceptions", "batch_id")


class DocsRefused(Permanent):
    """The site cannot be written where it is to be."""


def build_docs(data: "pa.Table", suite: Suite, mask: Mask, folder: Path, batch: str, now: datetime) -> Path:
    """Validate data, build the site of it in a folder in place of the last one, and return the page of what was found.

    That page can be read without a network; the site's index is drawn by scripts that are fetched, and is empty then.

    `batch` is what the data is called there. Raises DocsRefused, and SuiteBroken.
    """
    widest, *others = sorted(
        (frame_of(data, court.demand) for court in gx.ready(suite)), key=lambda each: -each.shape[1]
    )
    frame = widest.assign(**{name: other[name] for other in others for name in other.columns})
    context = _context(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it deprecates of itself is no news for whoever wants to read its pages
        result = _validated(context, frame, suite, batch)
        for rule, each in zip(suite.rules, result.results, strict=True):
            if mask and _concerns(mask, rule):
                _mask(each)
            each.result = mask.within(each.result)
            _make_harmless(each)
        key = _key(suite, batch, now)
        result.meta["run_id"] = key.run_id
        context.validation_results_store.set(key, result)
        context.build_data_docs()
    site = folder / _OURS / "uncommitted" / "data_docs" / "local_site"
    for page in [*site.rglob("*.html"), *site.rglob("*.css")]:
        logo = Path(os.path.relpath(site / _LOGO, page.parent)).as_posix()
        page.write_text(_FETCHED.sub(logo, page.read_text(encoding="utf-8")), encoding="utf-8")
    return next((site / "validations").rglob("*.html"))


def _context(folder: Path) -> Any:
    """Return a new context in a folder that is empty or was made by us."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / _MARK).exists():
            raise DocsRefused(f"{folder} holds something else already, and nothing was written. Name an empty folder.")
        (folder / _MARK).touch()
        shutil.rmtree(folder / _OURS, ignore_errors=True)
    except OSError as error:
        raise DocsRefused(f"{folder} cannot be written: {error.strerror}. Name another folder.") from error
    from great_expectations import get_context
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = get_context(mode="file", project_root_dir=folder)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.enable_analytics(enable=False)
    return context


def _validated(context: Any, frame: Any, suite: Suite, batch: str) -> Any:
    from great_expectations import ExpectationSuite

    asset = context.data_sources.add_pandas(suite.name).add_dataframe_asset(batch)
    rows = asset.add_batch_definition_whole_dataframe("rows").get_batch({"dataframe": frame})
    demanded = context.suites.add(ExpectationSuite(suite.name, expectations=[_described(rule) for rule in suite.rules]))
    return rows.validate(demanded, result_format="SUMMARY")


def _described(rule: Rule) -> dict[str, Any]:
    kwargs = {key: value for key, value in rule.kwargs.items() if key not in _NOT_KWARGS}
    return {"type": rule.type, "kwargs": kwargs, "severity": rule.severity}


def _key(suite: Suite, batch: str, now: datetime) -> Any:
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    run = RunIdentifier(run_name=batch, run_time=now)
    return ValidationResultIdentifier(ExpectationSuiteIdentifier(suite.name), run, batch)


def _concerns(mask: Mask, rule: Rule) -> bool:
    """Tell whether an answer may hold a value of a masked column: also where a rule does not say which it looks at."""
    anywhere = not rule.columns and not rule.type.startswith("expect_table_")
    return anywhere or mask.concerns(json.dumps(rule.kwargs, default=str, ensure_ascii=False))


def _mask(answer: Any) -> None:
    """Leave of an answer how many rows it is about, and nothing that was in them."""
    counts = {name: value for name, value in answer.result.items() if _COUNTS.fullmatch(name)}
    answer.result = {**counts, **({"observed_value": MASKED} if "observed_value" in answer.result else {})}
    answer.exception_info = {
        **dict.fromkeys(("exception_traceback", "exception_message")),
        "raised_exception": bool((answer.exception_info or {}).get("raised_exception")),
    }


def _make_harmless(answer: Any) -> None:
    """Escape what came from rows. Where there is a list of values and no share, the templates fail: it is shown so."""
    found = _escaped(answer.result)
    answer.exception_info = _escaped(answer.exception_info)
    if "unexpected_count" in found and "unexpected_percent" not in found:
        odd = found.get("partial_unexpected_list")
        found = {name: value for name, value in found.items() if "unexpected" not in name}
        found["observed_value"] = found.get("observed_value") or odd
    answer.result = found


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return escape(clean(value))
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(each) for key, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list | tuple | set | frozenset) else value
