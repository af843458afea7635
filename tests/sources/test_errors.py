"""An API that misbehaves ends the run with a sentence, moves no cursor, and does not spoil the next run."""

import time
from datetime import timedelta

import pytest

from datastream.errors import DatastreamError
from datastream.sources.answer import AnswerBroken, AnswerUnexpected
from datastream.sources.exchange import ApiAnswerTooLarge, ApiUnreachable
from datastream.sources.judge import ApiBusy, ApiRefused
from datastream.sources.paginators import PagesWithoutEnd
from tests.conftest import World, order, orders, stream_of
from tests.fake_api import FakeApi, Fault, Response, ok, serving

LINKED = {"path": "/linked", "records": "items.rows", "paginate": {"kind": "next_link"}}


def always(response: Response) -> Fault:
    return lambda _: response


def on_page(page: int, response: Response) -> Fault:
    return lambda target: response if f"page={page}" in target.split("&") else None


def times(count: int, response: Response) -> Fault:
    """Answer so a few times, then rightly."""
    left = [response] * count
    return lambda _: left.pop() if left else None


ENDLESS = (200, {"Content-Length": str(10**9)}, b'{"data": [' + b" " * 200_000)  # and then nothing, for ever

CASES: dict[str, tuple[Fault, type[DatastreamError], str]] = {
    "500": (always((500, {}, b"oops")), ApiBusy, "answered 500: 'oops'"),
    "429": (always((429, {"Retry-After": "7"}, b"slow down")), ApiBusy, "asks to wait 7 s"),
    "429 for an hour": (always((429, {"Retry-After": "3600"}, b"")), ApiBusy, "asks to wait 3600 s"),
    "404": (always((404, {}, b"no such path")), ApiRefused, "answered 404: 'no such path'"),
    "redirect": (always((302, {"Location": "http://elsewhere/"}, b"")), ApiRefused, "to 'http://elsewhere/'"),
    "redirect to another page": (
        always((302, {"Location": "/numbered"}, b"")),
        ApiRefused,
        "another page would be taken",
    ),
    "redirect in a circle": (lambda target: (302, {"Location": target}, b""), ApiRefused, "redirect number 4 in a row"),
    "broken JSON": (always((200, {}, b'{"data": [')), AnswerBroken, "is not JSON"),
    "HTML": (always((200, {}, b"<html>")), AnswerBroken, "'<html>'"),
    "other JSON": (always(ok({"error": "no"})), AnswerUnexpected, "without 'data'"),
    "no list": (always(ok({"data": {"a": 1}})), AnswerUnexpected, "no list of records at 'data'"),
    "no total": (always(ok({"data": [], "total": "many"})), AnswerUnexpected, "'many' at 'total'"),
}


@pytest.mark.parametrize(("fault", "error", "said"), CASES.values(), ids=CASES.keys())
def test_a_bad_answer_is_told_in_a_sentence(
    world: World, fault: Fault, error: type[DatastreamError], said: str
) -> None:
    world.api.fault = fault
    with pytest.raises(error) as told:
        world.run()
    assert said in str(told.value)
    assert world.api.url in str(told.value)


@pytest.mark.parametrize("fault", [case[0] for case in CASES.values()], ids=CASES.keys())
def test_after_a_bad_answer_the_next_run_goes_on(world: World, fault: Fault) -> None:
    """Pages 1 to 7 are fine: the first claim is committed, the second meets the fault and leaves no trace."""
    world.api.records = orders(1200)
    world.api.fault = lambda target: fault(target) if "page=8" in target.split("&") else None
    with pytest.raises(DatastreamError):
        world.run()
    assert world.rows("select count(*) from orders") == [(500,)]
    world.api.fault = None
    [*_, last] = world.run()
    assert world.rows("select count(*), count(distinct id) from orders") == [(1200, 1200)]
    assert last.header.offsets["cursor"].startswith("2026-")


def test_what_fails_in_passing_is_tried_three_times(world: World) -> None:
    world.api.records = orders(10)
    world.api.fault = times(2, (503, {}, b""))
    world.run()
    assert 1 + 2 <= sum(wait.total_seconds() for wait in world.clock.slept) <= 1.25 + 2.5
    assert world.rows("select count(*) from orders") == [(10,)]


def test_a_wait_that_the_api_asks_for_is_kept(world: World) -> None:
    world.api.records = orders(10)
    world.api.fault = times(1, (429, {"Retry-After": "9"}, b""))
    world.run()
    assert sum(wait.total_seconds() for wait in world.clock.slept) == 9


def test_an_answer_that_was_cut_off_is_asked_for_again(world: World) -> None:
    world.api.records = orders(10)
    world.api.fault = times(1, (200, {}, b'{"data": [{"id": 1'))
    world.run()
    assert world.rows("select count(*) from orders") == [(10,)]


def test_an_api_that_is_not_there_is_told_in_a_sentence(world: World) -> None:
    world.api.url = "http://127.0.0.1:9"
    with pytest.raises(ApiUnreachable, match=r"127\.0\.0\.1:9/numbered\S+ gave no answer: .*refused.* Is the API up"):
        world.run()


def test_an_answer_without_end_is_cut(world: World) -> None:
    world.connection["max_answer_bytes"] = 50_000
    world.api.fault = always(ENDLESS)
    with pytest.raises(ApiAnswerTooLarge, match="was still answering at its max_answer_bytes, 50,000"):
        world.run()


def test_an_answer_that_stalls_is_given_up(world: World) -> None:
    world.connection["timeout"] = timedelta(milliseconds=200)
    world.api.fault = always(ENDLESS)
    with pytest.raises(ApiUnreachable, match=r"[Tt]imed out"):
        world.run()


def test_a_link_that_leads_back_is_refused(world: World) -> None:
    world.stream = stream_of(source=LINKED)
    world.api.fault = always(ok({"items": {"rows": orders(1)}, "next": "/linked?start=5"}))
    with pytest.raises(PagesWithoutEnd, match="has been read already"):
        world.run()
    assert list(world.store.keys("_log/")) == []


def test_pages_that_never_end_are_refused_at_the_cap(world: World) -> None:
    world.stream = stream_of(source={**LINKED, "max_pages": 5})
    counter = iter(range(1_000_000))
    world.api.fault = lambda _: ok({"items": {"rows": orders(1)}, "next": f"/linked?start={next(counter)}"})
    with pytest.raises(PagesWithoutEnd, match="would be page 6 in a row"):
        world.run()


def test_a_link_to_another_host_is_refused(world: World) -> None:
    """The API's credentials belong to its host."""
    world.stream = stream_of(source=LINKED)
    world.api.fault = always(ok({"items": {"rows": orders(1)}, "next": "http://127.0.0.2:1/steal"}))
    with pytest.raises(ApiRefused, match="Its credentials are not sent elsewhere"):
        world.run()


def test_pages_are_fetched_at_the_same_time_where_their_number_is_known(world: World) -> None:
    world.api.records = orders(1000)
    world.api.fault = lambda _: time.sleep(0.1)
    started = time.monotonic()
    world.run()
    assert time.monotonic() - started < 1.0, "ten pages of 0.1 s each, four at a time"


def test_when_the_total_shrinks_the_window_is_read_again(world: World) -> None:
    """A row that was deleted on page 1 moves every later row one place up, onto pages already read."""
    world.api.records = orders(1201)

    def delete_one(target: str) -> None:
        if "page=9" in target.split("&") and len(world.api.records) == 1201:
            del world.api.records[:101]

    world.api.fault = delete_one
    world.run()
    [(there,)] = world.rows("select count(distinct id) from orders where id > 101")
    assert there == 1100


def test_a_row_that_is_deleted_within_a_page_is_noticed_by_the_count(world: World) -> None:
    """The number of pages stays; every later row moves one place up, and each page's first row onto a read page."""
    world.api.records = orders(1000)
    world.stream = stream_of(source={"paginate": {"kind": "page_number", "total": "total", "count": "count"}})

    def delete_one(target: str) -> None:
        if "page=6" in target.split("&") and len(world.api.records) == 1000:
            del world.api.records[50]

    world.api.fault = delete_one
    world.run()
    assert world.rows("select count(distinct id) from orders where id != 51") == [(999,)]


def test_a_source_that_only_grows_has_not_shrunk(world: World) -> None:
    """Pages are fetched ahead, so a later page may have been answered before an earlier one: it is asked anew."""
    world.api.records = orders(3000)
    world.stream = stream_of(source={"paginate": {"kind": "page_number", "total": "total", "count": "count"}})

    def grow(target: str) -> None:
        if "page=2" in target.split("&"):
            time.sleep(0.05)
        world.api.records.append(order(len(world.api.records) + 1))

    world.api.fault = grow
    world.run()
    asked = sum("page=1" in target.split("&") for target in world.api.asked)
    assert asked == 1, "it was not read again"
    assert world.rows("select count(distinct id) from orders where id <= 3000") == [(3000,)]


def test_a_window_that_shrank_in_many_runs_is_read_when_the_source_is_quiet(world: World) -> None:
    world.api.records = orders(1200)
    world.stream = stream_of(source={"paginate": {"kind": "page_number", "total": "total", "count": "count"}})
    for _ in range(6):
        world.api.fault = on_page(8, (500, {}, b""))
        with pytest.raises(ApiBusy):
            world.run()
        del world.api.records[0]
    world.api.fault = None
    world.run()
    wanted = {row["id"] for row in world.api.records}
    assert wanted <= {row[0] for row in world.rows("select id from orders")}


def test_a_source_that_never_comes_to_rest_is_left_alone(world: World) -> None:
    totals = iter(range(100, 0, -1))
    world.api.fault = lambda _: ok({"data": orders(10), "total": next(totals)})
    with pytest.raises(AnswerUnexpected, match="smaller total for the 4th time"):
        world.run()


@pytest.mark.parametrize(
    "answer",
    [{"data": orders(5), "total": 0}, {"data": [], "total": 3}],
    ids=["rows beyond the end", "an empty page before the end"],
)
def test_an_answer_that_contradicts_itself_moves_no_cursor(world: World, answer: dict) -> None:
    world.api.records = orders(300)
    world.api.fault = times(1, ok(answer))
    with pytest.raises(AnswerUnexpected, match="which cannot be"):
        world.run()
    world.run()
    assert world.rows("select count(distinct id) from orders") == [(300,)]


@pytest.mark.parametrize("status", [404, 410])
def test_a_place_that_is_gone_is_read_again_from_the_beginning(world: World, status: int) -> None:
    """The run died in the middle of a window; meanwhile the source shrank, or its link expired."""
    world.api.records = orders(1200)
    world.api.fault = on_page(8, (500, {}, b""))
    with pytest.raises(ApiBusy):
        world.run()
    world.api.records = orders(450)
    world.api.fault = on_page(6, (status, {}, b""))
    world.run()
    assert world.rows("select count(*), count(distinct id) from orders") == [(500, 500)]


def test_a_link_of_an_old_address_gets_no_credentials(world: World) -> None:
    """The API moved while a window was open: the kept link leads to the old host, so the window is begun again."""
    world.stream = stream_of(source=LINKED)
    world.api.records = orders(1200)
    world.api.fault = lambda target: (404, {}, b"") if "start=700" in target else None
    with pytest.raises(ApiRefused):
        world.run()
    world.api.fault = lambda _: pytest.fail("the old host was asked")
    with serving(FakeApi(records=orders(1200))) as moved:
        world.api = moved
        world.run()
    assert world.rows("select count(*), count(distinct id) from orders") == [(1200, 1200)]


def test_an_error_is_told_though_the_api_is_slow(world: World) -> None:
    """What is fetched ahead is given up after its page, not after its claim."""
    world.api.records = orders(1000)
    world.stream = stream_of(transform="tests.transforms:raising")
    world.api.fault = lambda target: time.sleep(0.3) if "page=1" not in target.split("&") else None
    started = time.monotonic()
    with pytest.raises(DatastreamError, match="no such column"):
        world.run()
    assert time.monotonic() - started < 2.5


def test_a_page_of_the_position_is_where_the_next_run_goes_on(world: World) -> None:
    world.api.records = orders(1200)
    world.api.fault = on_page(8, (404, {}, b""))
    with pytest.raises(ApiRefused):
        world.run()
    world.api.asked.clear()
    world.api.fault = None
    world.run()
    assert sorted(target.rpartition("=")[2] for target in world.api.asked) == ["10", "11", "12", "6", "7", "8", "9"]
