"""GET /quality: the page as it lies on the lake, for this machine and nobody else."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from datastream.buffers.memory import MemoryBuffer
from datastream.catalog import Catalog
from datastream.connections import LakeConfig
from datastream.errors import Transient
from datastream.gateway import Gateway
from datastream.gateway.keyring import Keyring
from datastream.gateway.page import Page
from datastream.gateway.server import Patience, Server
from datastream.lake import layout
from datastream.lake.lake import open_lake
from deployments.stack.waiting import wait_until
from tests.gateway.processes import a_gateway
from tests.gateway.serving import listening, sender, write_stream

HTML = b"<!doctype html><p>" + b"as it should be " * 500 + b"</p>"
FOREIGN = ({"Host": "evil.example:8391"}, {"Host": "127.0.0.1.evil.example"}, {"Host": ""}, {"Host": "[::2]:80"},
           {"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}, {"Via": "1.1 proxy"},
           {"X-Forwarded-Proto": "https"}, {"CF-Connecting-IP": "192.0.2.1"})  # fmt: skip


@contextmanager
def asking(read: Callable[[], bytes | None], tmp_path: Path, **of: object) -> Iterator[httpx.Client]:
    write_stream(tmp_path / "streams")
    keyring = Keyring(Catalog(tmp_path / "streams"), lambda stream: stream.source.block)
    gateway = Gateway(MemoryBuffer(), keyring, page=Page(read, **of))  # type: ignore[arg-type]
    with listening(Server(gateway, Patience(leaving=timedelta()))) as url, httpx.Client(base_url=url) as client:
        yield client


def test_the_page_is_served_as_it_lies_there(tmp_path: Path) -> None:
    with asking(lambda: HTML, tmp_path) as client:
        plain = client.get("/quality", headers={"accept-encoding": "identity"})
        assert (plain.status_code, plain.content) == (200, HTML)
        assert plain.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in plain.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in plain.headers["content-security-policy"]
        assert plain.headers["x-content-type-options"] == "nosniff"
        assert plain.headers["referrer-policy"] == "no-referrer"
        assert plain.headers["cache-control"] == "private, no-cache"
        head = client.head("/quality", headers={"accept-encoding": "identity"})
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(HTML)))
        assert client.post("/quality").status_code == 405


def received(client: httpx.Client, accepted: str) -> tuple[str | None, bytes]:
    with client.stream("GET", "/quality", headers={"accept-encoding": accepted}) as answer:
        assert answer.headers["vary"] == "accept-encoding"
        return answer.headers.get("content-encoding"), b"".join(answer.iter_raw())


def test_it_is_packed_for_who_takes_that(tmp_path: Path) -> None:
    with asking(lambda: HTML, tmp_path) as client:
        for accepted in ("gzip, br", "br;q=1, gzip;q=0.5", "*"):
            coding, body = received(client, accepted)
            assert (coding, gzip.decompress(body)) == ("gzip", HTML)
            assert len(body) < len(HTML) / 10
        for accepted in ("gzip;q=0", "br", ""):
            assert received(client, accepted) == (None, HTML)


def test_what_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    with asking(lambda: HTML, tmp_path) as client:
        tag = client.get("/quality").headers["etag"]
        for asked in (tag, f'"other", {tag}', f'{tag},W/"x"', "*"):
            again = client.get("/quality", headers={"if-none-match": asked})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert "content-length" not in again.headers
        assert client.get("/quality", headers={"if-none-match": '"other"'}).status_code == 200
        assert client.get("/health/live").status_code == 200  # the connection is in order after them


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_who_is_not_this_machine_sees_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    """A name that was made to point here, and what a proxy hands on."""
    with asking(lambda: HTML, tmp_path) as client:
        answer = client.get("/quality", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) in (
            (404, "application/problem+json"), (400, "text/plain; charset=utf-8")
        )  # fmt: skip
        assert b"as it should be" not in answer.content
    with asking(lambda: HTML, tmp_path, for_all=True) as client:
        assert client.get("/quality", headers={**headers, "Host": "quality.example"}).status_code == 200


def test_what_a_proxy_hands_on_by_its_defaults_is_not_shown(tmp_path: Path) -> None:
    """An nginx without a setting sends its upstream's own name, no header that tells of it, and HTTP/1.0."""
    with asking(lambda: HTML, tmp_path) as client:
        link = socket.create_connection((client.base_url.host, client.base_url.port or 0))
        with link:
            link.sendall(b"GET /quality HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: link.recv(65536), b""))
    assert b" 404 " in answer.splitlines()[0]
    assert b"as it should be" not in answer


def test_before_there_is_one_the_way_out_is_told(tmp_path: Path) -> None:
    with asking(lambda: None, tmp_path) as client:
        answer = client.get("/quality")
        assert (answer.status_code, "datastream quality report" in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize("error", [Transient("s3.example gave no answer."), PermissionError(13, "Permission denied")])
def test_a_lake_that_is_away_is_503_without_its_words(tmp_path: Path, error: Exception) -> None:
    def away() -> bytes:
        raise error

    with asking(away, tmp_path) as client:
        answer = client.get("/quality")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "s3.example" not in answer.text


def test_a_lake_that_hangs_holds_up_nobody_and_is_asked_once(tmp_path: Path) -> None:
    asked, goes_on = list[int](), threading.Event()

    def hangs() -> bytes:
        asked.append(1)
        goes_on.wait(30)
        return HTML

    with asking(hangs, tmp_path, patience=timedelta(milliseconds=50)) as client:
        try:
            assert [client.get("/quality").status_code for _ in range(3)] == [503] * 3
            assert client.get("/health/live").status_code == 200
        finally:
            goes_on.set()
    assert len(asked) == 1


def test_many_who_ask_cost_one_look_at_the_lake(tmp_path: Path) -> None:
    asked = list[int]()

    def read() -> bytes:
        asked.append(1)
        return HTML

    with asking(read, tmp_path) as client:
        assert {client.get("/quality").status_code for _ in range(50)} == {200}
    assert len(asked) <= 2


def test_the_command_serves_the_page_of_its_lake_and_loads_nothing_heavy(tmp_path: Path, valkey_url: str) -> None:
    write_stream(tmp_path / "streams")
    lake = {"DATASTREAM_LAKE_URI": (tmp_path / "lake").as_uri()}
    with a_gateway(tmp_path, valkey_url, **lake) as gateway, sender(gateway.url) as one:
        assert one.get("/quality").status_code == 404
        assert not (tmp_path / "lake").exists()
        open_lake(LakeConfig(uri=(tmp_path / "lake").as_uri())).create(layout.PAGE, HTML)
        assert wait_until(lambda: one.get("/quality").content == HTML, timedelta(seconds=10))
        maps = Path(f"/proc/{gateway.process.pid}/maps").read_text()
        assert not [name for name in ("pandas", "duckdb") if f"/{name}/" in maps]


def test_a_gateway_that_listens_wider_shows_it_only_where_it_is_told_to(tmp_path: Path, valkey_url: str) -> None:
    write_stream(tmp_path / "streams")
    lake = open_lake(LakeConfig(uri=(tmp_path / "lake").as_uri()))
    lake.create(layout.PAGE, HTML)
    env = {"DATASTREAM_LAKE_URI": (tmp_path / "lake").as_uri()}
    for words, status in ((("--host", "0.0.0.0"), 404), (("--host", "0.0.0.0", "--quality-for-all"), 200)):  # noqa: S104
        with a_gateway(tmp_path, valkey_url, *words, **env) as gateway, sender(gateway.url) as one:
            answer = one.get("/quality")
            assert answer.status_code == status
            assert status == 200 or "--quality-for-all" in answer.json()["detail"]
