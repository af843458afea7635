"""The steps a flow is made of: thin Prefect tasks over `datastream.pipeline`, and what they show in the UI.

Tasks take and return handles, never tables, and keep no results: what is done is known by the lake's log.
"""

from tasks.backfill import open_backfill
from tasks.backtest import BacktestReport, try_suite, validate_file
from tasks.checks import ask, show
from tasks.command import run_as_command
from tasks.etl import check, decide, store, transform
from tasks.lane import open_stream
from tasks.lookback import LookbackReport, look_back
from tasks.maintenance import keep_up, tell
from tasks.outcome import yields_when_busy
from tasks.quarantine import decide_held, replay_rows, tell_replayed
from tasks.report import Report
from tasks.sight import seen_at_work

__all__ = [
    "BacktestReport",
    "LookbackReport",
    "Report",
    "ask",
    "check",
    "decide",
    "decide_held",
    "keep_up",
    "look_back",
    "open_backfill",
    "open_stream",
    "replay_rows",
    "run_as_command",
    "seen_at_work",
    "show",
    "store",
    "tell",
    "tell_replayed",
    "transform",
    "try_suite",
    "validate_file",
    "yields_when_busy",
]
