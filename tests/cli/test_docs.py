"""`datastream docs` and `datastream quality report`: pages for people, made on demand."""

import json
import re
from pathlib import Path

import pytest

from datastream.health.looking import check_stream
from datastream.lake import layout
from tests.cli.test_commands import Shell
from tests.cli.test_quarantine import STREAM
from tests.conftest import SUITE, World, order, orders, stream_of
from tests.report.reading import Page

MATCHES = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "email", "regex": "^[a-z]+$"}}
COMMON = {"type": "expect_column_most_common_value_to_be_in_set", "kwargs": {"column": "email", "value_set": ["x"]}}


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Shell:
    """Rows of somebody are loaded, and one of them is set aside."""
    suite = {**SUITE, "expectations": [*SUITE["expectations"], *({**e, "severity": "info"} for e in (MATCHES, COMMON))]}
    text = STREAM.replace("on_failure: {warning: hold}", "pii: [email]")
    files = {"streams/orders.yaml": text, "expectations/orders.json": json.dumps(suite)}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    world.stream = stream_of(pii=["email"])
    world.api.records = [order(n, email=f"max{n}@example.com") for n in range(1, 20)]
    world.api.records += [order(20, amount=None, email="eve@example.com")]
    world.run()
    return Shell(tmp_path)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_data_docs_are_built_of_the_newest_commit_and_hold_no_personal_value(shell: Shell, tmp_path: Path) -> None:
    before = {name: tree(tmp_path / name) for name in ("streams", "expectations", "lake")}
    done = shell("docs", "orders")
    assert (done.returncode, done.stderr) == (0, "")
    site = tmp_path / ".datastream" / "docs" / "orders" / "gx/uncommitted/data_docs/local_site"
    [page] = (site / "validations").rglob("*.html")
    assert Path(done.stdout.strip()) == page  # the index is empty without a network
    assert {name: tree(tmp_path / name) for name in before} == before
    written = tree(tmp_path / ".datastream" / "docs")
    assert not [name for name, data in written.items() if b"@example.com" in data]
    assert not [name for name, data in written.items() if b"great-expectations-web-assets" in data]
    result = page.read_text()
    assert "orders-0-000000000001" in result
    assert "email" in result
    assert re.search(r"1 unexpected values? found", result), "the row that was set aside is among them"
    again = shell("docs", "orders")
    assert (again.returncode, len([*(site / "validations").rglob("*.html")])) == (0, 1)


def test_a_row_with_a_script_in_it_does_not_run_in_data_docs(world: World, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "streams" / "orders.yaml").write_text(STREAM)
    distinct = {"type": "expect_column_distinct_values_to_be_in_set", "kwargs": {"column": "email", "value_set": ["x"]}}
    rules = [{**each, "severity": "info"} for each in (MATCHES, COMMON, distinct)]
    (tmp_path / "expectations" / "orders.json").write_text(json.dumps({"expectations": rules}))
    world.api.records += [order(n, email="<script>alert(1)</script>\x1b[31m") for n in range(600, 640)]
    world.run()
    done = shell("docs", "orders", "--output", str(tmp_path / "site"))
    assert (done.returncode, done.stderr) == (0, "")
    result = Path(done.stdout.strip()).read_text()
    assert ("<script>alert" in result, "\x1b" in result) == (False, False)
    assert result.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


def test_a_folder_that_holds_something_else_is_left_as_it_is(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note").write_text("mine")
    done = shell("docs", "orders", "--output", str(tmp_path / "mine"))
    assert (done.returncode, "holds something else already" in done.stderr) == (1, True)
    assert tree(tmp_path / "mine") == {str(tmp_path / "mine" / "note"): b"mine"}


@pytest.mark.parametrize("words", [("docs", "oders"), ("docs", "lines"), ("quality", "report")])
def test_where_there_is_nothing_a_sentence_says_so(shell: Shell, tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "streams" / "orders.yaml"
    (tmp_path / "streams" / "lines.yaml").write_text(file.read_text().replace("name: orders", "name: lines"))
    done = shell(*words)
    assert "Traceback" not in done.stderr
    said = done.stdout + done.stderr
    assert "Did you mean 'orders'" in said or "holds no commit of 'lines'" in said or done.returncode == 0


def test_the_page_of_all_streams_is_made_anew(shell: Shell, world: World) -> None:
    check_stream(world.stream, world.store, run="by hand", clock=world.clock)
    done = shell("quality", "report")
    assert (done.returncode, done.stdout.strip()) == (0, world.store.address(layout.PAGE))
    page = Path(done.stdout.strip()).read_text()
    assert "amount not null" in page
    assert "@example.com" not in page
    assert Page(page).strangers == []


def test_a_page_that_goes_to_a_file_leaves_the_lake_alone(shell: Shell, world: World, tmp_path: Path) -> None:
    world.api.records += orders(30)
    check_stream(world.stream, world.store, run="by hand", clock=world.clock)
    done = shell("quality", "report", "--output", str(tmp_path / "page.html"))
    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "page.html"))
    assert Page((tmp_path / "page.html").read_text()).strangers == []
    assert world.store.read(layout.PAGE) is None
    nowhere = shell("quality", "report", "--output", str(tmp_path / "none" / "page.html"))
    assert (nowhere.returncode, "Traceback" in nowhere.stderr) == (1, False)
