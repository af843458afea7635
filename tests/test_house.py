"""The house stands as it is drawn: imports go downwards only, heavy ones wait, files and functions stay short."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ("deployments", "flows", "tasks", "blocks", "streams", "datastream")

FLOORS = [
    {"deployments"},
    {"flows"},
    {"tasks"},
    {"blocks"},
    {"datastream.gateway"},
    {"datastream.reshape", "datastream.backfill", "datastream.lanes", "datastream.trial", "datastream.drift"},
    {"datastream.quarantine"},
    {"datastream.notice", "datastream.slices"},
    {"datastream.pipeline"},
    {"datastream.repeats", "datastream.backtest", "datastream.report"},
    {"datastream.health", "datastream.maintenance", "datastream.notebook"},
    {"datastream.lane", "datastream.lookback", "datastream.suggest"},
    {"datastream.decision"},
    {"datastream.aside"},
    {"datastream.fates"},
    {"datastream.intake", "datastream.announce", "datastream.isolation", "datastream.sketch"},
    {"datastream.claim", "datastream.partition", "datastream.ranges", "datastream.shape", "datastream.poison"},
    {"datastream.identity", "datastream.transform", "datastream.collisions"},
    {
        "datastream.quality",
        "datastream.lake",
        "datastream.buffers",
        "datastream.events",
        "datastream.sources",
    },
    {"datastream.auth", "datastream.columns"},
    {"datastream.observe", "datastream.resilience", "datastream.catalog", "datastream.settings"},
    {"datastream.masking"},
    {"datastream.records", "datastream.connections"},
    {"datastream.blame", "datastream.credentials", "datastream.entry"},
    {"datastream.errors", "datastream.clock", "datastream"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
BELONGS = {
    "prefect": ("flows", "tasks", "blocks", "deployments"),
    "great_expectations": ("datastream.quality",),
    "redis": ("datastream.buffers", "deployments"),
    "pika": ("datastream.events",),
    **dict.fromkeys(("s3fs", "fsspec", "botocore", "aiobotocore", "aiohttp"), ("datastream.lake",)),
    **dict.fromkeys(("authlib", "joserfc", "cryptography"), ("datastream.auth",)),
    "yaml": ("datastream.catalog", "deployments"),
    "urllib3": ("datastream.sources", "datastream.events", "deployments"),
    "jinja2": ("datastream.report",),
    "starlette": ("datastream.gateway",),
    "uvicorn": ("datastream.gateway", "deployments"),
    "prometheus_client": ("datastream.gateway", "deployments"),
}
LATE = {
    "great_expectations", "duckdb", "pandas", "prefect", "uvicorn", "s3fs", "botocore", "aiobotocore", "aiohttp",
    "pika", "authlib", "joserfc", "cryptography", "jinja2",
}  # fmt: skip
"""What costs too much to be imported by whoever imports us."""
HOME = {
    "prefect": ("flows", "tasks", "blocks", "deployments.workers.worker"),
    "uvicorn": ("datastream.gateway.server",),
}
"""Who is imported only by those that need it anyway."""


def files() -> list[tuple[str, Path]]:
    return list(_files())


def _files() -> Iterator[tuple[str, Path]]:
    for package in HOUSE:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def room(module: str) -> str:
    return ".".join(module.split(".")[:2]) if module.startswith("datastream.") else module.split(".", maxsplit=1)[0]


def imports(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield each imported module, and whether it is imported when the file is."""
    late = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)}
    late |= {
        id(n)
        for f in ast.walk(tree)
        if isinstance(f, ast.If) and "TYPE_CHECKING" in ast.dump(f.test)
        for n in ast.walk(f)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) not in late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            deeper = [f"{node.module}.{a.name}" for a in node.names] if node.module == "datastream" else [node.module]
            yield from ((name, id(node) not in late) for name in deeper)


@pytest.mark.parametrize(("module", "file"), files(), ids=lambda value: str(value) if isinstance(value, str) else "")
def test_imports_go_downwards(module: str, file: Path) -> None:
    """A room imports from itself and from lower floors, never sideways or up."""
    here = room(module)
    for name, _ in imports(ast.parse(file.read_text())):
        there = room(name)
        if there in LEVEL and there != here:
            assert LEVEL[there] > LEVEL[here], f"{module} imports {name}"


@pytest.mark.parametrize(("module", "file"), files(), ids=lambda value: str(value) if isinstance(value, str) else "")
def test_each_library_has_its_room_and_heavy_ones_wait(module: str, file: Path) -> None:
    for name, at_once in imports(ast.parse(file.read_text())):
        library = name.split(".")[0]
        allowed = BELONGS.get(library)
        assert allowed is None or module.startswith(allowed), f"{module} imports {library}"
        at_home = module.startswith(HOME.get(library, "nowhere"))
        assert not (at_once and library in LATE) or at_home, f"{module} imports {library} when it is imported"


@pytest.mark.parametrize(("module", "file"), files(), ids=lambda value: str(value) if isinstance(value, str) else "")
def test_files_and_functions_are_short_and_say_what_they_are_for(module: str, file: Path) -> None:
    text = file.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 300, f"{module} is two ideas: name them"
    assert not text.strip() or ast.get_docstring(tree), f"{module} does not say what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno <= 40, f"{module}.{node.name} is too long"
