"""What a run's log shows of an error that is a sentence: the sentence. Tracebacks are for errors we did not foresee."""

import logging

from datastream.errors import DatastreamError

_LOGGERS = ("prefect.flow_runs", "prefect.task_runs", "prefect.engine")


def sentences_only() -> None:
    """Leave the traceback out where a run logs one of our own errors. Calling it again changes nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, DatastreamError):
        record.msg, record.args, record.exc_info = str(error), (), None
    return True
