"""What a run's log shows of an error that is a sentence: the sentence. Tracebacks are for errors we did not foresee."""

import logging

from prefect.exceptions import FailedRun

from datastream.errors import DatastreamError

_LOGGERS = ("prefect.flow_runs", "prefect.task_runs", "prefect.engine")
_SENTENCES = (DatastreamError, FailedRun)
"""FailedRun is how Prefect raises the message of a state that a flow returned."""


def sentences_only() -> None:
    """Leave the traceback out where a run logs an error that is a sentence. Calling it again changes nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, _SENTENCES):
        record.msg, record.args, record.exc_info = str(error), (), None
    return True
