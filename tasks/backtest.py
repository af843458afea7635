"""Tries a suite for a run, on what was claimed before or on a file, and shows in the Prefect UI what it rejects."""

from pathlib import Path

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from blocks import DataLake
from datastream.backtest import Backtest, Case, Sums, backtest
from datastream.catalog import Catalog
from datastream.clock import SystemClock
from datastream.fates import verdict_of
from datastream.lookback import since
from datastream.quality import Tally, load_suite, markdown, read_data
from datastream.settings import Settings
from tasks.logs import sentences_only
from tasks.progress import Progress, artifact_key
from tasks.reading import read_stream
from tasks.showing import Showing


def try_suite(name: str, suite: str, window: str, lake: DataLake | None) -> Backtest:
    """Find the commits of `window`, and the suite that is tried on them."""
    stream, store, settings = read_stream(name, lake)
    moment = since(window, SystemClock().now())
    return backtest(stream, load_suite(settings.expectations, suite), store, moment)


class BacktestReport:
    """The report of one run that tries a suite."""

    def __init__(self, tried: Backtest) -> None:
        self._tried, self._sums, self._done = tried, Sums(tried), 0
        self.cases = tried.cases
        self._key = artifact_key(tried.stream.name, "backtest")
        self._progress = Progress(f"{self._key}-progress", str(self._sums), SystemClock(), Showing())

    def add(self, case: Case) -> None:
        """Judge one commit, count it in, and move the progress."""
        self._sums.add(self._tried.judge(case))
        self._done += 1
        self._progress.show(100.0 * self._done / len(self.cases), str(self._sums))

    def publish(self) -> State[None]:
        """Show a line a rule with its days, and return the state in which the run ends: a trial fails nothing."""
        self._progress.done(str(self._sums))
        table = [
            {"rule": rule["rule"], "severity": rule["severity"], "rows": f"{rule['rows']:,}", "new": f"{rule['new']:,}",
             **{day: f"{rows:,}" for day, rows in rule["days"].items()}}
            for rule in self._sums.as_dict()["rules"]
        ]  # fmt: skip
        Showing()(lambda: create_table_artifact(table, key=self._key, description=str(self._sums)))
        return Completed(message=str(self._sums))


def validate_file(name: str, suite: str | None, file: str) -> State[None]:
    """Hold a file against a suite, the stream's own without one, and return the state in which the run ends."""
    sentences_only()
    settings = Settings.read()
    stream = Catalog(settings.streams).stream(name)
    rules = load_suite(settings.expectations, suite or stream.suite)
    verdict, tally = verdict_of(read_data(Path(file)), rules, stream), Tally(rules)
    tally.add(verdict)
    said = f"{len(verdict.bad_rows):,} of {verdict.rows:,} rows of {file} break a rule of suite {rules.name!r}."
    Showing()(
        lambda: create_markdown_artifact(
            markdown(tally, piece="file"), key=artifact_key(name, "file"), description=said
        )
    )
    return Completed(message=said) if verdict.success else Failed(message=said)
