"""Looks back for a run: what is held against today's suite, and what the run shows of it in the Prefect UI."""

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from blocks import DataLake
from datastream.clock import SystemClock
from datastream.lookback import Findings, Judgement, Lookback, since
from datastream.lookback import look_back as find
from datastream.quality import load_suite, markdown
from tasks.progress import Progress, artifact_key
from tasks.reading import read_stream
from tasks.showing import Showing


def look_back(name: str, window: str, lake: DataLake | None) -> Lookback:
    """Find what was loaded within `window`, and the suite to hold it against."""
    stream, store, settings = read_stream(name, lake)
    moment = since(window, SystemClock().now())
    return find(stream, load_suite(settings.expectations, stream.suite), store, moment)


class LookbackReport:
    """The report of one run that looks back."""

    def __init__(self, lookback: Lookback) -> None:
        self._name, self._pieces = lookback.stream.name, len(lookback.pieces)
        self._rows = sum(piece.rows for piece in lookback.pieces)
        self._findings = Findings(lookback)
        self._progress = Progress(artifact_key(self._name, "lookback-progress"), self._said(), SystemClock(), Showing())

    def add(self, judgement: Judgement) -> None:
        """Count one commit in, and move the progress; a commit that breaks a rule is told."""
        self._findings.add(judgement)
        if judgement.set_aside:
            said = "commit %s: %s of its %s rows would be set aside today"
            get_run_logger().warning(said, judgement.piece.commit, judgement.set_aside, judgement.piece.rows)
        self._progress.show(100.0 * self._findings.tally.rows / self._rows, self._said())

    def publish(self) -> State[None]:
        """Show what was found, and return the state in which the run ends."""
        found = self._findings
        self._progress.done(self._said())
        if found.tally.claims:
            result = markdown(found.tally, found.samples, piece="commit")
            create_markdown_artifact(result, key=artifact_key(self._name, "lookback"), description=self._said())
        return Failed(message=str(found)) if found.broken else Completed(message=str(found))

    def _said(self) -> str:
        tally = self._findings.tally
        return (
            f"{tally.claims:,} of {self._pieces:,} commits, {tally.rows:,} rows checked, "
            f"{self._findings.set_aside:,} would be set aside today"
        )
