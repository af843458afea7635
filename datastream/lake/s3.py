"""A lake on S3, or whatever speaks it, through s3fs. An object is one conditional PUT: the store lets one writer win.

Before the first of them the store is asked to prove that. A PUT whose answer was lost is repeated and comes back as
"exists" though it was ours; callers compare what is there, so that is harmless. Nothing is listed from a cache:
another worker's objects must be seen. s3fs is not fork-safe: open the lake in the process that uses it.
"""

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from threading import Lock
from typing import Any

from datastream.clock import Clock, SystemClock
from datastream.connections import LakeConfig
from datastream.errors import Transient
from datastream.lake import layout
from datastream.lake.s3_errors import NoSuchStore, ObjectExists, ObjectMissing, sentences
from datastream.lake.store import LakeUnusable
from datastream.observe.crash import crash_point
from datastream.resilience import DEFAULT, BreakerStates, Dependency, MemoryStates, RetryPolicy

_WRITTEN_TOGETHER = 16
_RACERS = 8
_CONNECT_SECONDS, _READ_SECONDS = 3, 10
_PROOF = b"Each process that writes to this lake creates this object anew, and must be told that it exists.\n"


class S3Store:
    """Objects of one bucket, below one prefix."""

    reads_at_once = 8

    def __init__(
        self,
        config: LakeConfig,
        clock: Clock | None = None,
        states: BreakerStates | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._config = config
        self._bucket, _, prefix = config.uri.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._dependency = Dependency(
            f"s3:{config.host}/{self._bucket}", DEFAULT, states or MemoryStates(), clock or SystemClock(), retry
        )
        self._s3 = _client(config)
        self._proven, self._proving = False, Lock()

    def create(self, key: str, data: bytes) -> bool:
        self._prove()
        return self._put([(key, data)]) == [True]

    def create_all(self, objects: Mapping[str, bytes]) -> set[str]:
        if not objects:
            return set()
        self._prove()
        created = self._put(list(objects.items()))
        return {key for key, new in zip(objects, created, strict=True) if not new}

    def read(self, key: str) -> bytes | None:
        # With more than one connection an object s3fs would ask for its size first.
        read = partial(self._s3.cat_file, f"{self._bucket}/{self._prefix}{key}", max_concurrency=1)
        try:
            return bytes(self._dependency.call(partial(self._translated, read)))
        except ObjectMissing:
            return None

    def keys(self, prefix: str) -> Iterator[str]:
        for answer in self._listed(prefix):
            yield from (found["Key"].removeprefix(self._prefix) for found in answer.get("Contents", ()))

    def folders(self, prefix: str) -> list[str]:
        answers = self._listed(prefix, Delimiter="/")
        below = (found["Prefix"] for answer in answers for found in answer.get("CommonPrefixes", ()))
        return sorted(folder.removeprefix(f"{self._prefix}{prefix}").rstrip("/") for folder in below)

    def _listed(self, prefix: str, **asked: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages of a listing."""
        page: dict[str, Any] = {}
        while True:
            answer = self._call("list_objects_v2", Prefix=f"{self._prefix}{prefix}", **asked, **page)
            if "IsTruncated" not in answer:
                raise NoSuchStore(self._config, "it answered a listing with something else")
            yield answer
            if not answer["IsTruncated"]:
                return
            page = {"ContinuationToken": answer["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        try:
            self._call("delete_object", Key=f"{self._prefix}{key}")
        except ObjectMissing:
            return

    def address(self, key: str) -> str:
        return f"{self._config.uri}/{key}"

    def _put(self, objects: Sequence[tuple[str, bytes]]) -> list[bool]:
        """Put objects side by side, and tell of each whether it is new. Those that failed are tried again."""
        new: dict[int, bool] = {}

        def attempt() -> None:
            left = [at for at in range(len(objects)) if at not in new]
            said = dict(zip(left, self._put_together([objects[at] for at in left]), strict=True))
            new.update({at: answer for at, answer in said.items() if isinstance(answer, bool)})
            failed = [answer for answer in said.values() if isinstance(answer, BaseException)]
            if failed:
                raise next((error for error in failed if not isinstance(error, Transient)), failed[0])

        self._dependency.call(attempt)
        return [new[at] for at in range(len(objects))]

    def _put_together(self, objects: Sequence[tuple[str, bytes]]) -> list[bool | BaseException]:
        """Put objects from the thread in which s3fs speaks: a thread for each would cost a quarter more.

        After a few failures in a row the rest is not even tried: each may take its whole timeout.
        """
        from fsspec.asyn import sync

        free, failures = asyncio.Semaphore(_WRITTEN_TOGETHER), list[BaseException]()

        async def put(key: str, data: bytes) -> bool:
            async with free:
                if len(failures) >= DEFAULT.failures:
                    raise failures[-1]
                try:
                    new = await self._put_one(key, data)
                except BaseException as error:
                    failures.append(error)
                    raise
                failures.clear()
                return new

        async def together() -> list[bool | BaseException]:
            return await asyncio.gather(*(put(*each) for each in objects), return_exceptions=True)

        answers: list[bool | BaseException] = sync(self._s3.loop, together)
        return answers

    async def _put_one(self, key: str, data: bytes) -> bool:
        crash_point("file.before")
        ask = self._s3._call_s3  # noqa: SLF001 - fsspec's way to name the coroutine behind a method
        target = {"Bucket": self._bucket, "Key": f"{self._prefix}{key}"}
        try:
            with sentences(self._config):
                # A body waits for the store to ask for it, and the timeout for reading does not run by then.
                async with asyncio.timeout(_CONNECT_SECONDS + _READ_SECONDS):
                    await ask("put_object", **target, Body=data, IfNoneMatch="*")
        except ObjectExists:
            return False
        crash_point("file.after")
        return True

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        ask = partial(self._s3.call_s3, method, Bucket=self._bucket, **parameters)
        answer: dict[str, Any] = self._dependency.call(partial(self._translated, ask))
        return answer

    def _translated(self, ask: partial[Any]) -> Any:
        with sentences(self._config):
            return ask()

    def _prove(self) -> None:
        """Have the store prove that it creates and never overwrites: once a process, at the cost of one small PUT.

        The object of the proof is there from the first writer on, so a store that keeps its word says "exists". Where
        it is new, so is the lake, and a race of several writers has to have one winner at most.
        """
        with self._proving:
            if not self._proven and self._put([(layout.PROOF, _PROOF)]) == [True]:
                self._race()
            self._proven = True

    def _race(self) -> None:
        key = f"{layout.PROOF}-{secrets.token_hex(8)}"
        won = sum(self._put([(key, b"")] * _RACERS)) + sum(self._put([(key, b"")]))
        self.delete(key)
        if won > 1:
            self.delete(layout.PROOF)
            raise LakeUnusable(
                f"The store at {self._config.host} told {won} of {_RACERS + 1} writers that each of them had created "
                "the same object. It does not honour If-None-Match, so two workers could commit over each other. "
                "Nothing was written. Use a store that does, such as Amazon S3 or SeaweedFS from 4.17 on."
            )


def _client(config: LakeConfig) -> Any:
    from s3fs import S3FileSystem

    client = S3FileSystem(
        endpoint_url=config.endpoint,
        key=config.access_key,
        secret=config.secret_key.get_secret_value() if config.secret_key else None,
        session=_session(),
        use_listings_cache=False,
        skip_instance_cache=True,
        config_kwargs={
            "retries": {"total_max_attempts": 1},
            "connect_timeout": _CONNECT_SECONDS,
            "read_timeout": _READ_SECONDS,
            "max_pool_connections": _WRITTEN_TOGETHER,
        },
    )
    # Attempts, that is: s3fs would try again by itself, around botocore, which does too. What is left is aiohttp's own:
    # a request whose connection was closed under it is sent anew, once and at once.
    client.retries = 1
    return client


@cache
def _session() -> Any:
    """Return what all clients of a process share: the description of S3, which takes a tenth of a second to read."""
    from aiobotocore.session import get_session

    return get_session()
