"""The process is killed or asked to end while it is posted to: every 202 is kept once, and nobody is left hanging."""

import signal
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from datastream.buffers.redis import RedisBuffer
from deployments.stack.ports import reserved
from deployments.stack.waiting import wait_until
from tests.gateway.faults import load
from tests.gateway.processes import a_gateway
from tests.gateway.serving import SOON, kept, sender, write_stream
from tests.gateway.wire import dial, head, heard, signatures, statuses

BODY = b'{"id":1}'


def test_killed_under_load_every_202_is_kept_exactly_once(buffer: RedisBuffer, valkey_url: str, streams: Path) -> None:
    """The same port is listened on again, as a supervisor would have it; senders repeat what was not answered."""
    with reserved(18_500) as port, load(f"http://127.0.0.1:{port}") as made:
        for _ in range(3):
            with a_gateway(streams.parent, valkey_url, port=port):
                enough = len(made.accepted) + 300
                assert wait_until(lambda enough=enough: len(made.accepted) > enough, SOON)
        with a_gateway(streams.parent, valkey_url, port=port):
            enough = len(made.accepted) + 100
            assert wait_until(lambda: len(made.accepted) > enough, SOON)
    found = [delivery.id for delivery in kept(buffer)]
    assert (made.lost(found), made.strange(found)) == (set(), [])
    assert set(made.answers) <= {0, 202, 503}


def test_several_gateways_keep_one_id_once(buffer: RedisBuffer, valkey_url: str, tmp_path: Path) -> None:
    with ExitStack() as opened:
        urls = []
        for number in range(2):
            (tmp_path / f"{number}").mkdir()
            write_stream(tmp_path / f"{number}" / "streams")
            urls.append(opened.enter_context(a_gateway(tmp_path / f"{number}", valkey_url)).url)
        loads = [opened.enter_context(load(url, senders=4)) for url in urls]
        assert wait_until(lambda: all(len(made.accepted) > 200 for made in loads), SOON)
    found = [delivery.id for delivery in kept(buffer)]
    assert len(found) == len(set(found))
    assert {name for made in loads for name in made.accepted} <= set(found)


def test_asked_to_end_under_load_it_answers_everybody_and_ends(
    buffer: RedisBuffer, valkey_url: str, streams: Path
) -> None:
    """No connection is broken in the middle of a request; who comes afterwards finds the door closed."""
    with a_gateway(streams.parent, valkey_url) as gateway, load(gateway.url) as made:
        assert wait_until(lambda: len(made.accepted) > 300, SOON)
        began = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        gateway.process.wait(10)
        assert time.monotonic() - began < 5
    found = [delivery.id for delivery in kept(buffer)]
    assert (made.lost(found), made.strange(found)) == (set(), [])
    assert set(made.answers) <= {0, 202, 503}
    assert made.broken == 0, gateway.said()
    assert "Traceback" not in gateway.said()


def test_asked_to_end_it_is_not_ready_any_more_and_waits_for_no_slow_body(
    buffer: RedisBuffer, valkey_url: str, streams: Path
) -> None:
    with a_gateway(streams.parent, valkey_url) as gateway, sender(gateway.url) as one, dial(one) as connection:
        connection.sendall(head(*signatures(BODY, "slow"), f"content-length: {len(BODY)}") + BODY[:4])
        assert one.get("/health/ready").status_code == 200
        began = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        assert statuses(heard(connection)) == [408]
        gateway.process.wait(10)
        assert time.monotonic() - began < 6
    assert kept(buffer) == []


def test_a_slow_body_that_ends_in_time_is_still_taken(buffer: RedisBuffer, valkey_url: str, streams: Path) -> None:
    with a_gateway(streams.parent, valkey_url) as gateway, sender(gateway.url) as one, dial(one) as connection:
        connection.sendall(head(*signatures(BODY, "slow"), f"content-length: {len(BODY)}") + BODY[:4])
        assert one.get("/health/ready").status_code == 200
        gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: gateway.process.poll() is not None, timedelta(seconds=0.3))
        connection.sendall(BODY[4:])
        assert statuses(heard(connection)) == [202]
    assert [delivery.id for delivery in kept(buffer)] == ["slow"]
