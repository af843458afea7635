"""The demo API gives every flight exactly once, by page number and by link, and says what it cannot understand."""

import json
import sys
from collections.abc import Iterator

import pytest
import urllib3

from datastream.clock import SystemClock
from deployments.demo.query import BadParameter, parse
from deployments.stack.plan import demo_service
from deployments.stack.ports import reserved
from deployments.stack.process import stop
from deployments.stack.starter import Starter, silent

LAST_HOUR = "2014-01-01T03:00:00Z"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("demo")
    with reserved(18_390) as port:
        service = demo_service(folder, folder / "demo.log", f"demo@{folder}", port)
        records = Starter([service], {}, lambda _records: None, silent, SystemClock()).run()
    try:
        yield service.address
    finally:
        stop(records["demo"].process)


@pytest.fixture(scope="module")
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as pool:
        yield pool


@pytest.fixture
def get(api, http):
    def get(path: str, status: int = 200, **asked: object) -> dict:
        answer = http.request("GET", api + path, fields={name: str(value) for name, value in asked.items()})
        assert answer.status == status
        return json.loads(answer.data)

    return get


def test_it_serves_every_flight_of_the_file(get) -> None:
    first = get("/flights")
    assert (first["page"], first["total_pages"], first["total"], len(first["data"])) == (1, 337, 336_776, 1000)


def test_a_row_has_numbers_as_numbers_and_what_is_missing_as_null(get) -> None:
    first, cancelled = get("/flights")["data"][0], get("/flights", page=1)["data"][838]
    assert (first["id"], first["carrier"], first["dep_time"]) == (1, "UA", 517)
    assert first["time_hour"] == "2013-01-01T10:00:00Z"
    assert cancelled["dep_time"] is None


def test_the_last_page_is_short_and_the_next_one_empty(get) -> None:
    assert [row["id"] for row in get("/flights", page=337)["data"]] == list(range(336_001, 336_777))
    assert get("/flights", page=338)["data"] == []


def test_a_page_far_beyond_the_last_is_empty(get) -> None:
    assert get("/flights", page=10**17)["data"] == []


def test_pages_of_a_selection_join_without_gap_or_repeat(get) -> None:
    pages = [get("/flights", since=LAST_HOUR, page=page, page_size=5) for page in (1, 2, 3)]
    rows = [row for page in pages for row in page["data"]]
    assert pages[0]["total"] == len(rows) == len({row["id"] for row in rows}) == 12
    assert all(row["time_hour"] >= LAST_HOUR for row in rows)


@pytest.mark.parametrize("page_size", [1, 5, 6, 1000])
def test_next_links_lead_to_every_row_once(get, page_size: int) -> None:
    answer = get("/flights/linked", since=LAST_HOUR, page_size=page_size)
    ids = [row["id"] for row in answer["data"]]
    while answer["next"]:
        answer = get(answer["next"])
        ids += [row["id"] for row in answer["data"]]
    assert len(ids) == 12
    assert ids == sorted(set(ids))


def test_the_same_moment_in_another_zone_selects_the_same_rows(get) -> None:
    assert get("/flights", since="2013-12-31T22:00:00-05:00")["total"] == 12


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"),
        ("page", "x"),
        ("page", "-1"),
        ("page", "٣"),
        ("page_size", "1001"),
        ("since", "foo"),
        ("since", ""),
    ],
)
def test_a_parameter_that_means_nothing_is_refused_with_its_value(get, name: str, value: str) -> None:
    assert repr(value) in get("/flights", 400, **{name: value})["error"]


def test_an_unknown_path_names_the_known_ones(get) -> None:
    assert "/flights/linked" in get("/planes", 404)["error"]


def test_a_plus_sign_that_was_not_encoded_is_explained() -> None:
    with pytest.raises(BadParameter, match="%2B"):
        parse(b"since=2013-01-01T00:00:00+00:00")


def test_a_number_of_any_length_is_refused_quickly() -> None:
    with pytest.raises(BadParameter):
        parse(b"page=" + b"9" * (sys.get_int_max_str_digits() + 1))
