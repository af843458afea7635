"""The contract of a store: objects that are created once, whole, and never changed.

Two implementations in the product, one contract suite for both: a local folder and memory.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from datastream.errors import Permanent


class LakeUnusable(Permanent):
    """The lake's folder cannot be read or written."""


class Store(Protocol):
    """Objects by key. A key is a relative path with `/`."""

    reads_at_once: int
    """So many reads side by side are sooner done than one after another; 1 where none waits for a network."""

    def create(self, key: str, data: bytes) -> bool:
        """Create one object, durable when this returns. False means that the key exists: it is left as it is."""

    def create_all(self, objects: Mapping[str, bytes]) -> set[str]:
        """Create many objects, durable together when this returns, and return the keys that existed before.

        No order is promised, and a crash may leave any of them; each one is whole or absent.
        """

    def read(self, key: str) -> bytes | None:
        """Return an object, or None if there is none."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a folder, in no order. Objects created meanwhile may be missing."""

    def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders right below a folder that hold something, sorted. It lists no deeper."""

    def delete(self, key: str) -> None:
        """Delete an object; one that does not exist is fine."""

    def address(self, key: str) -> str:
        """Return the path or URL under which other programs read an object."""


class MemoryStore:
    """A store that lives as long as its process, for unit tests."""

    reads_at_once = 1

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def create(self, key: str, data: bytes) -> bool:
        if key in self.objects:
            return False
        self.objects[key] = data
        return True

    def create_all(self, objects: Mapping[str, bytes]) -> set[str]:
        return {key for key, data in objects.items() if not self.create(key, data)}

    def read(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def keys(self, prefix: str) -> Iterator[str]:
        yield from [key for key in self.objects if key.startswith(prefix)]

    def folders(self, prefix: str) -> list[str]:
        below = (key.removeprefix(prefix) for key in self.objects if key.startswith(prefix))
        return sorted({name.partition("/")[0] for name in below if "/" in name})

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def address(self, key: str) -> str:
        return f"memory://{key}"
