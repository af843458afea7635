"""What is done with answers that are no page: as the stream says it, else as their status says it."""

from collections.abc import Callable
from typing import Any

import pytest

from datastream.catalog import AnswerRule
from datastream.lake.verify import verify
from datastream.sources.judge import ApiBusy, ApiRefused
from tests.conftest import World, orders, stream_of
from tests.fake_api import Asked, Response, ok


def ruled(world: World, *rules: dict[str, Any], **source: Any) -> None:
    world.stream = stream_of(source={"cursor": None, "errors": list(rules), **source}, partition_by=None)
    world.api.records = orders(1000)


def on_page(number: int, answer: Response, times: int = 100) -> Callable[[Asked], Response | None]:
    left = [answer] * times
    return lambda target: left.pop() if left and f"page={number}" in str(target).split("&")[0].split("?") else None


GONE = (404, {}, b"nothing here")
WRONG_INSIDE = ok({"error": {"code": 17, "message": "try again"}})


def test_ignored_answers_end_the_window(world: World) -> None:
    ruled(world, {"status": 404, "then": "ignore"})
    world.api.fault = on_page(6, GONE)
    world.run()
    found = verify(world.store, "orders")
    assert (found.loaded, found.problems) == (500, [])


def test_an_answer_is_set_aside_as_it_came(world: World) -> None:
    ruled(world, {"status": [404, 422], "then": "quarantine"})
    world.api.fault = on_page(6, (422, {}, b'{"why": "page 6 is odd"}'))
    world.run()
    assert world.rows("select _rules, _raw::json->>'status', _raw::json->>'answer' from orders_quarantine") == [
        (["api: 422"], "422", '{"why": "page 6 is odd"}')
    ]
    assert world.rows("select count(*) from orders") == [(500,)]
    assert "status" not in world.rows("describe orders")[0]


def test_an_error_inside_a_200_is_asked_again(world: World) -> None:
    ruled(world, {"path": "error.code", "equals": 17, "then": "retry"})
    world.api.fault = on_page(3, WRONG_INSIDE, times=2)
    world.run()
    assert verify(world.store, "orders").loaded == 1000


def test_r43_an_error_inside_a_200_ends_the_run_and_moves_nothing(world: World) -> None:
    ruled(world, {"path": "error", "then": "fail"})
    world.api.fault = on_page(1, WRONG_INSIDE)
    with pytest.raises(ApiRefused, match=r"answered 200: '.*try again.*under source\.errors"):
        world.run()
    assert list(world.store.keys("_log/")) == []


def test_a_text_in_the_body_tells_too(world: World) -> None:
    ruled(world, {"status": 400, "contains": "slow down", "then": "retry"})
    world.api.fault = on_page(3, (400, {}, b"please slow down"), times=2)
    world.run()
    assert verify(world.store, "orders").loaded == 1000


def test_the_first_rule_that_fits_counts(world: World) -> None:
    ruled(world, {"status": 404, "contains": "never", "then": "fail"}, {"status": 404, "then": "ignore"})
    world.api.fault = on_page(6, GONE)
    world.run()
    assert verify(world.store, "orders").loaded == 500


def test_what_no_rule_fits_goes_by_its_status(world: World) -> None:
    ruled(world, {"status": 404, "then": "ignore"})
    world.api.fault = lambda _: (503, {}, b"")
    with pytest.raises(ApiBusy, match="answered 503"):
        world.run()


def test_a_rule_may_end_what_would_be_tried_again(world: World) -> None:
    ruled(world, {"status": 503, "contains": "closed for ever", "then": "fail"})
    world.api.fault = lambda _: (503, {}, b"closed for ever")
    with pytest.raises(ApiRefused):
        world.run()
    assert len(world.api.asked) == 1


@pytest.mark.parametrize("wait", ["9", "Fri, 01 Jan 2027 00:00:09 GMT", "1798761609", "1798761609000"])
def test_a_header_of_its_own_says_how_long_to_wait(world: World, wait: str) -> None:
    ruled(world, {"status": 403, "contains": "quota", "then": "retry", "wait": "x-quota-reset"})
    world.api.fault = on_page(1, (403, {"X-Quota-Reset": wait}, b"over quota"), times=1)
    world.run()
    assert sum(slept.total_seconds() for slept in world.clock.slept) == 9
    assert verify(world.store, "orders").loaded == 1000


def test_where_that_header_says_nothing_the_wait_is_the_usual_one(world: World) -> None:
    ruled(world, {"status": 403, "then": "retry", "wait": "X-Quota-Reset"})
    world.api.fault = on_page(1, (403, {"X-Quota-Reset": "61,60"}, b""), times=1)
    world.run()
    assert 1 <= sum(slept.total_seconds() for slept in world.clock.slept) <= 1.25


def test_status_and_text_have_both_to_fit(world: World) -> None:
    ruled(world, {"status": 400, "contains": "slow down", "then": "retry"})
    world.api.fault = on_page(3, (400, {}, b"no such field"))
    with pytest.raises(ApiRefused, match="no such field"):
        world.run()
    assert sum("page=3" in target for target in world.api.asked) == 1


WRONG = {
    "a wait of who does not ask again": (
        {"status": 403, "wait": "X-Wait", "then": "fail"},
        "only who asks again waits",
    ),
    "no condition": ({"then": "retry"}, "say which answers are meant"),
    "equals without path": ({"status": 200, "equals": 1, "then": "retry"}, "name it too"),
    "ignored by text alone": ({"contains": "error", "then": "ignore"}, "its page would be lost"),
    "no such status": ({"status": 42, "then": "fail"}, "greater than or equal to 100"),
}


@pytest.mark.parametrize(("rule", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_rule_that_cannot_be_meant_is_refused(rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AnswerRule.model_validate(rule)
