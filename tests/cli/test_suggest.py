"""The draft of a suite, from the lake or from a file: looked at, written, and held against rows."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from deployments.cli import cli
from tests.cli.test_commands import Shell
from tests.cli.test_trying import described
from tests.conftest import World, orders
from tests.suggest.conftest import flights13

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Run commands in this process, which has imported Great Expectations once for all of them."""
    monkeypatch.setenv("DATASTREAM_PROJECT", str(tmp_path))
    monkeypatch.setenv("DATASTREAM_LAKE_URI", (tmp_path / "lake").as_uri())
    return CliRunner()


def told(run: CliRunner, *words: str) -> Result:
    done = run.invoke(cli, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def loaded(world: World, tmp_path: Path) -> Path:
    world.api.records = orders(400)
    world.run()
    described(tmp_path, world.api.url)
    return tmp_path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.jsonl"
    path.write_text("\n".join(map(json.dumps, orders(300))))
    return path


def test_a_stream_is_drafted_from_its_newest_rows_and_by_its_key(run: CliRunner, loaded: Path) -> None:
    before = sorted(loaded.rglob("*"))
    done = told(run, "suggest", "orders", "--rows", "350")
    assert "orders-suggested, from 350 rows of orders" in done.output
    assert "350 different values in 350 rows" in done.output
    assert "Nothing was written. --write makes" in done.output
    assert sorted(loaded.rglob("*")) == before


def test_a_draft_is_written_beside_the_suite_and_is_a_suite(run: CliRunner, loaded: Path, file: Path) -> None:
    suite = (loaded / "expectations" / "orders.json").read_text()
    told(run, "suggest", "orders", "--write")
    assert (loaded / "expectations" / "orders.json").read_text() == suite
    told(run, "suggest", "--data", str(file), "--name", "of-a-file", "--write")
    assert "the suite is met" in told(run, "check", "--suite", "of-a-file", "--data", str(file)).output


def test_json_is_the_file_of_a_suite(run: CliRunner, file: Path) -> None:
    document = json.loads(told(run, "suggest", "--data", str(file), "--json").stdout)
    told(run, "suggest", "--data", str(file), "--write")
    assert json.loads((file.parent / "expectations" / "orders-suggested.json").read_text()) == document
    assert document["meta"] == {"rows": 300, "hidden": [], "dropped": []}
    assert {"type", "kwargs", "severity", "notes", "meta"} == set(document["expectations"][0])


def test_of_a_file_the_last_rows_are_taken_too(run: CliRunner, file: Path) -> None:
    assert json.loads(told(run, "suggest", "--data", str(file), "--rows", "20", "--json").stdout)["meta"]["rows"] == 20


def test_no_value_of_a_person_is_printed(run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("email\n" + "maria@example.org\njo@example.org\n" * 100)
    done = told(run, "suggest", "--data", str(path))
    assert "no value is shown: email" in done.output
    assert "example.org" not in done.output


def test_a_suite_that_exists_is_never_replaced(shell: Shell, file: Path) -> None:
    there = file.parent / "expectations" / "mine.json"
    there.parent.mkdir()
    there.write_text("{}")
    done = shell("suggest", "--data", str(file), "--name", "mine", "--write")
    assert (done.returncode, there.read_text()) == (1, "{}")
    assert "mine.json exists already, and stays as it is" in done.stderr


def test_where_nothing_is_committed_it_is_said_what_to_do(shell: Shell, loaded: Path) -> None:
    described(loaded, "http://127.0.0.1:1", name="others")
    (loaded / "streams" / "orders.yaml").rename(loaded / "streams" / "others.yaml")
    done = shell("suggest", "others")
    assert (done.returncode, done.stdout) == (1, "")
    assert "holds no commit of 'others'. There are: orders. Load it with: prefect deployment run" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "Name a stream, or a file with --data."),
        (("orders",), 1, "'orders'"),
        (("--data", "missing.csv"), 1, "missing.csv does not exist"),
        (("--data", "Mine.csv"), 1, "'Mine-suggested' cannot name a suite"),
    ],
)
def test_what_cannot_be_drafted_is_told_in_a_sentence(
    shell: Shell, words: tuple[str, ...], code: int, said: str
) -> None:
    done = shell("suggest", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stream_is_completed(shell: Shell, tmp_path: Path) -> None:
    described(tmp_path, "http://127.0.0.1:1")
    done = shell(_DATASTREAM_COMPLETE="bash_complete", COMP_WORDS="datastream suggest or", COMP_CWORD="2")
    assert done.stdout.splitlines() == ["plain,orders"]


def test_what_the_manual_shows_is_what_the_commands_print(
    run: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the first of them, which reads a lake of all flights."""
    section = (ROOT / "docs/quality.md").read_text().split("## `datastream suggest`")[1].split("\n## ")[0]
    [commands], [shown] = (re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL) for kind in ("sh", "text"))
    shutil.copytree(ROOT / "streams", tmp_path / "streams")
    monkeypatch.chdir(tmp_path)
    table = flights13("flights").slice(0, 100_000)
    pq.write_table(table.append_column("id", pa.array(range(1, table.num_rows + 1))), "flights.parquet")
    _, draft, check = commands.splitlines()
    printed = " ".join(told(run, *shlex.split(draft, comments=True)[1:]).output.split())
    assert [line for line in shown.splitlines() if " ".join(line.split()) not in printed] == []
    assert (
        f"printed\n{len(json.loads(Path('expectations/flights-suggested.json').read_text())['expectations'])} rules"
        in section
    )
    assert "the suite is met" in told(run, *shlex.split(check, comments=True)[1:]).output
