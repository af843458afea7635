"""The page: what it tells, and that what strangers sent stays text."""

from datetime import timedelta

import pytest

from datastream.health import asked
from datastream.health.ledger import open_ledger
from datastream.lake.manifest import RuleResult
from datastream.report.writing import made_of
from tests.conftest import stream_of
from tests.report.reading import Page
from tests.report.simulated import HOUR, RUN, Paged, bad

NOT_NULL = "amount not null"
EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table></section><h1>owned</h1>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% include 'page.html' %}",
    "\x1b[31mred\x1b]8;;http://evil.example\x07link",
    "\u202egnp.exe\u202c \u2066x\u2069 \u200b",
    "&lt;b&gt; &#60;script&#62;",
    "<!-- --><![CDATA[ ]]><style>body{display:none}</style>",
    "javascript:alert(1)",
)


@pytest.fixture
def paged() -> Paged:
    return Paged()


def failed(rule: str, rows: int, severity: str = "critical") -> RuleResult:
    return RuleResult(rule=rule, severity=severity, success=False, rows=rows)


@pytest.mark.parametrize("evil", EVIL)
def test_what_strangers_send_stays_text(paged: Paged, evil: str) -> None:
    """In a value, a rule, what was observed, a raw record, a column's name, a run, a reason: nowhere it breaks out."""
    rows = [bad(evil, evil, note=evil, _raw=evil), {**bad(evil, evil), evil: evil}]
    paged.load(aside=rows, rules=[failed(evil, 2)], held=[evil], run=evil)
    paged.load(0, lane="replay", replayed=1, offsets={"where": evil, "set": {"note": evil}}, run=evil)
    paged.check(run=evil)
    with open_ledger(paged.stream, paged.store, run=evil, clock=paged.clock) as ledger:
        asked.mute(ledger, f"nulls:{evil}", HOUR, evil, paged.clock.now())
    text = paged.page()
    page = Page(text)
    assert (page.strangers, page.left_open) == ([], [])
    assert not {"\x1b", "\u202e", "\u2066", "\u200b"} & set(text)
    assert "49" not in [*page.cells()]
    assert len(page.said()) > 1000


def test_no_value_is_too_long_and_none_may_be_missing(paged: Paged) -> None:
    paged.load(aside=[bad(NOT_NULL, None, note="x" * 1_000_000, empty=None), bad(NOT_NULL, None, note=None)])
    text = paged.checked_page()
    assert "xxx…" in text
    assert len(text) < 100_000
    assert "empty" not in text
    assert "None" not in [*Page(text).cells()]


def test_personal_data_is_masked_wherever_rows_are_shown() -> None:
    paged = Paged(stream_of(pii=["email"]))
    rows = [bad("email matches ^[a-z]+@", "max@example.com", email="max@example.com", city="Oslo")]
    paged.load(aside=rows, rules=[failed("email matches ^[a-z]+@", 1)])
    paged.load(0, lane="replay", replayed=1, offsets={"where": "email = 'max@example.com'"})
    paged.load(0, lane="replay", replayed=1, offsets={"where": "_raw like '%max@example.com%'"})
    paged.load(0, lane="replay", replayed=1, offsets={"where": "city = 'Oslo'"})
    text = paged.checked_page()
    assert "max@example.com" not in text
    assert [*Page(text).cells()].count("***") == 4  # observed, the column, and what two replays asked for
    assert "city = &#39;Oslo&#39;" in text
    assert "max@example.com" not in "".join(data.decode(errors="replace") for key, data in paged.store.objects.items()
                                            if key.startswith("_report/"))  # fmt: skip


def test_of_a_stream_without_a_file_no_row_is_shown(paged: Paged) -> None:
    paged.load(aside=[bad(NOT_NULL, "seen", city="Oslo")])
    paged.load(0, lane="replay", replayed=1, offsets={"where": "city = 'Oslo'"})
    paged.check()
    text = made_of(paged.store, {"orders": None}).decode()
    assert "Oslo" not in text
    assert "which no file describes any more" in text


def test_nothing_is_loaded_from_elsewhere(paged: Paged) -> None:
    paged.load(aside=[bad(NOT_NULL)])
    paged.check()
    text = paged.page("http://127.0.0.1:4200/runs/flow-run/")
    page = Page(text)
    assert "url(" not in text
    assert "@import" not in text
    assert not {"script", "link", "img", "iframe", "object", "use"} & {tag for tag, _ in page.elements}
    policies = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]
    assert f"http://127.0.0.1:4200/runs/flow-run/{RUN.format(1)}" in page.links
    targets = {attrs.get("id") for _, attrs in page.elements}
    assert all(href[1:] in targets for href in page.links if href.startswith("#"))


@pytest.mark.parametrize("runs_at", [None, "javascript:alert(1)//", "file:///etc/"])
def test_a_run_is_a_link_only_by_http(paged: Paged, runs_at: str | None) -> None:
    paged.load()
    paged.check()
    assert [href for href in Page(paged.page(runs_at)).links if not href.startswith("#")] == []


def test_charts_speak_to_who_cannot_see_them(paged: Paged) -> None:
    paged.load(aside=[bad(NOT_NULL)], rules=[failed(NOT_NULL, 1)])
    page = Page(paged.checked_page())
    charts = [attrs for tag, attrs in page.elements if tag == "svg"]
    assert len(charts) > 5
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in charts)
    assert "Rows a day that broke amount not null" in [attrs["aria-label"] for attrs in charts]
    assert "2026-11-01: 100 loaded, 1 set aside" in page.said()


def test_broken_rules_are_told_with_their_rows_of_thirty_days(paged: Paged) -> None:
    def told() -> list[str]:
        cells = [*Page(paged.checked_page()).cells()]
        return cells[cells.index("critical") - 1 :][:4] if "critical" in cells else []

    for _ in range(3):
        paged.load(aside=[bad(NOT_NULL)] * 5, rules=[failed(NOT_NULL, 5)], after=timedelta(days=10))
    assert told() == [NOT_NULL, "critical", "15", "2026-12-01"]
    paged.load(after=timedelta(days=12))
    assert told() == [NOT_NULL, "critical", "10", "2026-12-01"]
    paged.load(after=timedelta(days=30))
    assert told() == []


def test_a_rule_about_the_whole_is_told_in_claims_and_a_reason_before_the_check_without_severity(paged: Paged) -> None:
    paged.load(rules=[failed("row count >= 5", 0, "info")])
    paged.load(aside=[bad("schema: amount: not double")])
    cells = [*Page(paged.checked_page()).cells()]
    assert cells[cells.index("row count >= 5") :][:3] == ["row count >= 5", "info", "1 claims as a whole"]
    assert cells[cells.index("schema: amount: not double") :][:3] == [
        "schema: amount: not double", "before the check", "1"
    ]  # fmt: skip


def test_a_held_claim_is_told_until_somebody_decides(paged: Paged) -> None:
    held = [str(paged.load(0, aside=[bad(f"held: {NOT_NULL}")], held=[NOT_NULL])) for _ in range(2)]
    assert "2 claims held" in Page(paged.checked_page()).said()
    assert f"datastream quarantine release orders/{held[0]}" in paged.page()
    paged.load(0, lane="replay", offsets={"released": held[0]})
    paged.load(0, lane="replay", offsets={"rejected": held[0]})  # what was decided first stands
    said = Page(paged.checked_page()).said()
    assert "1 claim held" in said
    assert f"{held[0]} released" in said
    assert f"release orders/{held[0]}" not in said


def test_a_held_claim_that_has_expired_is_told_no_more() -> None:
    paged = Paged(stream_of(retention={"quarantine": "P10D"}))
    paged.load(0, aside=[bad(f"held: {NOT_NULL}")], held=[NOT_NULL])
    assert "1 claim held" in Page(paged.checked_page()).said()
    paged.load(after=timedelta(days=11))
    assert "No claim is held." in Page(paged.checked_page()).said()


def test_samples_are_of_as_many_rules_as_there_are(paged: Paged) -> None:
    paged.load(aside=[*[bad(NOT_NULL, id=n) for n in range(50)], bad("id unique", id=99)])
    cells = [*Page(paged.checked_page()).cells()]
    start = cells.index("_rules")
    assert cells[start : start + 5] == ["_rules", "_observed", "id", "_received_at", "_commit"]
    assert cells[start:].count(NOT_NULL) == 9
    assert cells[start:].count("id unique") == 1


@pytest.mark.parametrize("data", [None, b"no Parquet"])
def test_a_quarantine_file_that_is_gone_or_broken_costs_the_sample_only(paged: Paged, data: bytes | None) -> None:
    commit = paged.load(aside=[bad(NOT_NULL, city="Oslo")])
    assert commit.quarantine
    assert "Oslo" in paged.checked_page()
    paged.store.delete(commit.quarantine.key)
    if data:
        paged.store.create(commit.quarantine.key, data)
    text = paged.page()
    assert "Oslo" not in text
    assert "were set aside last" not in text
