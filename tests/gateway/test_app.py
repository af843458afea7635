"""The application alone, without server or Redis: what an embedder gets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from datastream.auth import sign
from datastream.buffers import Buffer, BufferUnsafe, Delivery
from datastream.buffers.memory import MemoryBuffer
from datastream.catalog import Catalog
from datastream.gateway import Gateway
from datastream.gateway.keyring import Keyring
from tests.gateway.serving import KEY, kept

BODY = b'{"id":1}'


@asynccontextmanager
async def client(buffer: Buffer, streams: Path) -> AsyncIterator[httpx.AsyncClient]:
    gateway = Gateway(buffer, Keyring(Catalog(streams), lambda stream: stream.source.block))
    transport = httpx.ASGITransport(gateway)
    async with gateway.running(), httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        while "not been" in (await opened.get("/health/ready")).text:
            pass
        yield opened


async def post(opened: httpx.AsyncClient, name: str) -> httpx.Response:
    headers = sign(KEY, name, datetime.now(UTC), BODY)
    return await opened.post("/webhooks/departures", content=BODY, headers=headers)


def test_posts_that_arrive_together_are_all_kept(streams: Path) -> None:
    buffer = MemoryBuffer()

    async def run() -> list[httpx.Response]:
        async with client(buffer, streams) as opened:
            return await asyncio.gather(*(post(opened, f"msg_{number % 50}") for number in range(100)))

    answers = asyncio.run(run())
    assert [answer.status_code for answer in answers] == [202] * 100
    assert [answer.json()["id"] for answer in answers] == [f"msg_{number % 50}" for number in range(100)]
    assert sorted(kept(buffer)) == sorted(Delivery(f"msg_{number}", BODY) for number in range(50))


def test_what_the_buffer_refuses_is_503_without_its_words(streams: Path) -> None:
    class Unsafe(MemoryBuffer):
        def check(self) -> str:
            raise BufferUnsafe("It forgets what it takes.")

    async def run() -> tuple[httpx.Response, httpx.Response]:
        async with client(Unsafe(), streams) as opened:
            return await post(opened, "msg_1"), await opened.get("/health/ready")

    answer, ready = asyncio.run(run())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "forgets" not in answer.text
    assert "Send it again in 5 s, with the same webhook-id" in answer.json()["detail"]
    assert "It forgets what it takes." in ready.text
