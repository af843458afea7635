"""The transform of the flights: one sender's rows without a time hold up nobody's."""

import pyarrow as pa
import pytest

from streams.flights import clean
from tests.conftest import World, orders, stream_of

TIMED = "2013-01-01T10:00:00Z"


def test_a_row_without_a_time_is_left_out() -> None:
    assert clean(pa.table({"id": [1, 2, 3], "time_hour": [TIMED, None, "soon"]}))["id"].to_pylist() == [1]


@pytest.mark.parametrize("columns", [{}, {"time_hour": [5]}, {"time_hour": [None]}], ids=["none", "number", "null"])
def test_rows_of_which_none_has_a_time_are_all_left_out(columns: dict[str, list[object]]) -> None:
    assert clean(pa.table({"id": [1], **columns})).num_rows == 0


def test_a_claim_of_which_no_row_has_a_time_is_set_aside_and_committed(world: World) -> None:
    world.api.records = orders(3)
    world.stream = stream_of(transform="streams.flights:clean", partition_by={"field": "time_hour", "grain": "day"})
    [commit] = world.run()
    assert commit.header.set_aside == {"transform": 3}
