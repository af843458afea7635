"""A lake on S3, or whatever speaks it, through s3fs. An object is one conditional PUT: the store lets one writer win.

A PUT whose answer was lost is repeated by the client and comes back as "exists" though it was ours; callers compare
what is there, so that is harmless. Nothing is listed from a cache: another worker's objects must be seen.
"""

import errno
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from datastream.connections import LakeConfig
from datastream.errors import Permanent, Transient
from datastream.lake.store import LakeUnusable

T = TypeVar("T")
_WRITING_THREADS = 8
_EXISTS = (errno.EEXIST, errno.EINVAL)  # how s3fs tells of a 412, depending on the server


class LakeAway(Transient):
    """The object store does not answer."""


class S3Store:
    """Objects of one bucket, below one prefix."""

    def __init__(self, config: LakeConfig) -> None:
        self._root, self._uri = config.uri.removeprefix("s3://"), config.uri
        self.filesystem = _filesystem(config)

    def create(self, key: str, data: bytes) -> bool:
        try:
            self._do(lambda: self.filesystem.pipe_file(self._path(key), data, mode="create"))
        except FileExistsError:
            return False
        return True

    def create_all(self, objects: Mapping[str, bytes]) -> set[str]:
        with ThreadPoolExecutor(_WRITING_THREADS, thread_name_prefix="put") as threads:
            created = list(threads.map(self.create, objects, objects.values()))
        return {key for key, new in zip(objects, created, strict=True) if not new}

    def read(self, key: str) -> bytes | None:
        try:
            return bytes(self._do(lambda: self.filesystem.cat_file(self._path(key))))
        except FileNotFoundError:
            return None

    def keys(self, prefix: str) -> Iterator[str]:
        found = self._do(lambda: self.filesystem.find(self._path(prefix)))
        yield from (key.removeprefix(f"{self._root}/") for key in found)

    def delete(self, key: str) -> None:
        try:
            self._do(lambda: self.filesystem.rm_file(self._path(key)))
        except FileNotFoundError:
            return

    def address(self, key: str) -> str:
        return f"{self._uri}/{key}"

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    def _do(self, action: Callable[[], T]) -> T:
        """Return what `action` returns; FileExistsError and FileNotFoundError pass, others become sentences."""
        from botocore.exceptions import BotoCoreError

        try:
            return action()
        except (FileExistsError, FileNotFoundError):
            raise
        except PermissionError as error:
            raise LakeUnusable(f"The lake {self._uri} refuses us: {error}. Correct its keys or its policy.") from error
        except OSError as error:
            if error.errno in _EXISTS and "condition" in str(error).lower():
                raise FileExistsError(str(error)) from error
            raise LakeAway(f"The lake {self._uri} does not answer as it should: {error}. Run again later.") from error
        except BotoCoreError as error:
            raise LakeAway(f"The lake {self._uri} cannot be reached: {error}. Is its endpoint right?") from error


class S3Missing(Permanent):
    """The library that speaks S3 is not installed."""


def _filesystem(config: LakeConfig) -> Any:
    try:
        from s3fs import S3FileSystem
    except ImportError as error:
        raise S3Missing(f"The lake {config.uri} needs the extra 's3': pip install 'datastream[s3]'.") from error
    return S3FileSystem(
        endpoint_url=config.endpoint,
        key=config.access_key,
        secret=config.secret_key.get_secret_value() if config.secret_key else None,
        use_listings_cache=False,
        skip_instance_cache=True,
    )
