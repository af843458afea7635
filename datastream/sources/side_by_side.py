"""Reads independent parts side by side, and yields their pages in the order of the parts.

So a claim is whole and its position simple, though later parts are on their way. What waits is bounded: beyond
`most_bytes` only the part in front goes on, and that one page by page.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from threading import Condition, Thread
from typing import NamedTuple

from datastream.sources.pages import Page
from datastream.sources.parts import Part

Read = Callable[[Part], Generator[Page]]


class InOrder(NamedTuple):
    """A page, the part it is of, and the part that comes next; None behind the last."""

    part: Part
    page: Page
    following: Part | None


class _Coming:
    """A part that a thread reads."""

    def __init__(self, part: Part, shared: "_Shared", read: Read) -> None:
        self.part = part
        self.pages: deque[Page | BaseException | None] = deque()
        """None behind the last page."""
        self._shared = shared
        self.thread = Thread(target=self._run, args=(read,), name="part", daemon=True)

    def _run(self, read: Read) -> None:
        try:
            with closing(read(self.part)) as pages:
                for page in pages:
                    if not self._shared.put(self, page):
                        return
            self._shared.put(self, None)
        except BaseException as error:  # noqa: BLE001 - whoever takes the pages raises it, in its turn
            self._shared.put(self, error)


class _Shared:
    """What waits, and who is in front."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._changed = Condition()
        self._front: _Coming | None = None
        self._stopped = False

    def put(self, coming: _Coming, item: Page | BaseException | None) -> bool:
        """Have a page wait, and return when there is room for another; False when nobody wants more."""
        with self._changed:
            coming.pages.append(item)
            self._bytes += item.size_bytes if isinstance(item, Page) else 0
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._stopped or self._has_room_for(coming))
            return not self._stopped

    def _has_room_for(self, coming: _Coming) -> bool:
        return self._bytes < self._most_bytes or (coming is self._front and not coming.pages)

    def take(self, coming: _Coming) -> Page | None:
        """Return the next page of the part in front; None behind its last."""
        with self._changed:
            self._front = coming
            self._changed.notify_all()
            self._changed.wait_for(lambda: coming.pages)
            item = coming.pages.popleft()
            if isinstance(item, BaseException):
                raise item
            self._bytes -= item.size_bytes if item else 0
            self._changed.notify_all()
            return item

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


def side_by_side(parts: Iterable[Part], read: Read, most: int, most_bytes: int) -> Generator[InOrder]:
    """Yield the pages of all parts, in order. `most` parts are read at a time, two at least."""
    shared = _Shared(most_bytes)
    coming: deque[_Coming] = deque()
    left = iter(parts)
    try:
        while True:
            while len(coming) < max(most, 2) and (part := next(left, None)) is not None:
                coming.append(_Coming(part, shared, read))
                coming[-1].thread.start()
            if not coming:
                return
            following = coming[1].part if len(coming) > 1 else None
            while (page := shared.take(coming[0])) is not None:
                yield InOrder(coming[0].part, page, following)
            coming.popleft().thread.join()
    finally:
        shared.stop()
        for each in coming:
            each.thread.join()
