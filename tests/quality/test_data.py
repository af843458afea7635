"""A file is read as what stands in it, or refused in a sentence."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datastream.quality import DataRefused, read_data


def written(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content)
    return folder / name


@pytest.mark.parametrize("rows", ["1,2,3\n4,5", "1,2,3\n4,5,6", "1,2\n3,4,5"])
def test_csv_with_more_values_than_names_is_refused_and_shifts_no_column(tmp_path: Path, rows: str) -> None:
    with pytest.raises(DataRefused, match=r"d\.csv is not CSV: .*Mend it") as caught:
        read_data(written(tmp_path, "d.csv", f"a,b\n{rows}\n"))
    assert "\n" not in str(caught.value)


def test_csv_with_a_comma_at_each_end_of_a_line_is_read(tmp_path: Path) -> None:
    assert read_data(written(tmp_path, "d.csv", "a,b\n1,2,\n3,4,\n")).to_dict("list") == {"a": [1, 3], "b": [2, 4]}


def test_a_column_of_csv_has_one_type_however_late_the_odd_value_comes(tmp_path: Path) -> None:
    """In pieces, the first of them would be numbers and the last texts, and 5 were not the same as 5."""
    frame = read_data(written(tmp_path, "d.csv", "a\n" + "5\n" * 300_000 + "x\n"))
    assert set(frame["a"]) == {"5", "x"}


def test_a_line_that_is_too_deep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"line 2 is not a JSON object: .*Mend or remove that line"):
        read_data(written(tmp_path, "d.jsonl", '{"a": 1}\n{"a": ' + "[" * 100_000))


def test_parquet_with_a_name_twice_is_refused_in_one_line(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), tmp_path / "d.parquet")
    with pytest.raises(DataRefused, match=r"d\.parquet is not Parquet that can be read: .*$") as caught:
        read_data(tmp_path / "d.parquet")
    assert "\n" not in str(caught.value)
