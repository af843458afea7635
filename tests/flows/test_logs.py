"""What a run's log shows of an error: a sentence where it is one, a traceback where nobody foresaw it."""

import logging

import pytest
from prefect.exceptions import FailedRun

from datastream.errors import Permanent
from tasks.logs import sentences_only

ENGINE = logging.getLogger("prefect.engine")


def logged(error: Exception, shown: pytest.LogCaptureFixture) -> logging.LogRecord:
    """Return what Prefect's engine logs when a run ends with this error."""
    sentences_only()
    ENGINE.addHandler(shown.handler)
    ENGINE.error("Execution exited with unexpected exception", exc_info=error)
    ENGINE.removeHandler(shown.handler)
    return shown.records[0]


@pytest.mark.parametrize("error", [Permanent("A sentence."), FailedRun("A sentence.")])
def test_an_error_that_is_a_sentence_is_logged_as_one(caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    """FailedRun is what Prefect makes of a state that a flow returned."""
    record = logged(error, caplog)
    assert (record.getMessage(), record.exc_info) == ("A sentence.", None)


def test_an_error_that_nobody_foresaw_keeps_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    assert logged(KeyError("x"), caplog).exc_info is not None
