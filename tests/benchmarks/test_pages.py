"""The benchmark of pages reads what it says. Nothing is timed here."""

from datetime import timedelta

import pytest

from benchmarks.child import CandidateFailed
from benchmarks.pages import __main__ as pages
from benchmarks.pages.api import served


def test_both_styles_read_every_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(timedelta()) as url:
        assert pages.network(pages.LINKED, url) > 0
        assert pages.work(pages.NUMBERED, url) > 0
        monkeypatch.setattr(pages, "ROWS", 1)
        with pytest.raises(CandidateFailed, match="should hold 1 rows"):
            pages.work(pages.LINKED, url)
