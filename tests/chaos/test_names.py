"""Names that want to be more than a name (S22) are refused at each door: the model, the catalog, the command line and
the gateway, whose own tests have the last (`tests/gateway/test_posts.py`). No file is made of them anywhere.
"""

from pathlib import Path

import pytest
from pydantic import ValidationError

from datastream.catalog import Catalog
from datastream.catalog.catalog import StreamInvalid, StreamMissing
from tests.cli.test_commands import Shell
from tests.posts import posted_stream

NAMES = [
    "", ".", "..", "../orders", "a/../../b", "%2e%2e", "%2e%2e%2forders", "/etc/passwd", "\\\\host\\x", "C:orders",
    "orders\0", "orders\n", "orders\r\nX: 1", "{orders}", "orders}:0", "*", "#", "orders.*", "orders:0", "Orders",
    "ORDERS", "ord\u0435rs", "o\u0308rders", "\uff4frders", "orders ", " orders", "orders.", "-orders", "_orders",
    "_log", "_quarantine", "a" * 64, "x" * 300, "orders_quarantine", "\x1b[31morders", "orders;rm", "$(orders)",
]  # fmt: skip
SAID_BY_PEOPLE = ["../orders", "orders\n", "x" * 300]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_s22_a_stream_cannot_bear_such_a_name(name: str) -> None:
    with pytest.raises(ValidationError):
        posted_stream(name=name)


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_s22_the_catalog_opens_no_file_of_such_a_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "streams").mkdir()
    (tmp_path / "orders.yaml").write_text("name: orders")
    with pytest.raises(StreamMissing):
        Catalog(tmp_path / "streams").stream(name)


@pytest.mark.parametrize("name", [name for name in NAMES if "/" not in name and "\0" not in name and len(name) < 200])
def test_s22_a_file_that_is_called_so_is_no_stream(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.yaml"
    file.write_text(f"name: {name!r}\nsource: {{kind: webhook, block: x}}\nsuite: orders\n")
    with pytest.raises((StreamMissing, StreamInvalid)):
        Catalog(tmp_path).stream(name)


@pytest.mark.parametrize("name", SAID_BY_PEOPLE, ids=ascii)
def test_s22_a_command_refuses_it_with_a_sentence(tmp_path: Path, name: str) -> None:
    project = tmp_path / "project"
    (project / "streams").mkdir(parents=True)
    (project / "expectations").mkdir()
    before = sorted(tmp_path.rglob("*"))
    said = Shell(project)("lake", "verify", "--", name)
    assert said.returncode != 0
    assert "Traceback" not in said.stderr + said.stdout
    assert [
        path for path in sorted(tmp_path.rglob("*")) if path not in before and "project/lake" not in str(path)
    ] == []
