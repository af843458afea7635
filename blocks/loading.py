"""Loads a block from the Prefect server. What goes wrong is a sentence, and shows nothing of what the block holds."""

from json import JSONDecodeError
from typing import TypeVar, cast

import httpx
from prefect.blocks.core import Block
from prefect.settings import PREFECT_API_URL
from pydantic import ValidationError

from datastream.errors import Permanent, Transient

_LOCKED = (401, 403)
B = TypeVar("B", bound=Block)


class BlockMissing(Permanent):
    """The block that something names does not exist."""


class BlockUnread(Transient):
    """The block cannot be read now."""


def load(kind: type[B], block: str, needed_by: str) -> B:
    """Return the block of a name such as `api-source/flights`. Raises BlockMissing and BlockUnread."""
    slug, _, name = block.partition("/")
    wanted, missing = kind.get_block_type_slug(), f"{needed_by} the block {block!r}, which"
    if slug != wanted or not name:
        raise BlockMissing(f"{missing} is none of the kind: such a block is called {wanted}/NAME. Correct the name.")
    try:
        return cast("B", kind.load(name))  # here no loop runs, for which it would answer with a coroutine
    except JSONDecodeError as error:
        raise BlockUnread(
            f"{missing} cannot be read: what answers at {PREFECT_API_URL.value()} is no Prefect server. Correct "
            "PREFECT_API_URL."
        ) from error
    except ValueError as error:
        raise BlockMissing(
            f"{missing} does not exist on this Prefect server. Create it in the UI under Blocks, or let "
            "`datastream up` register it."
        ) from error
    except (httpx.HTTPError, RuntimeError) as error:  # RuntimeError: what it holds is none of the kind's fields
        raise BlockUnread(
            f"{missing} cannot be read from {PREFECT_API_URL.value()}: {_reason(error)} Is the server up, and the "
            "block whole?"
        ) from error


def _reason(error: Exception) -> str:
    """Return what is wrong; of what a block holds only the places and what is said of them, never a value."""
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in _LOCKED:
        return "it wants to know who asks. Set PREFECT_API_AUTH_STRING."
    if isinstance(error, httpx.HTTPStatusError):
        return f"it answered {error.response.status_code}."
    if not isinstance(error.__cause__, ValidationError):
        return str(error)
    wrong = error.__cause__.errors(include_url=False, include_context=False, include_input=False)
    said = [": ".join([*map(str, each["loc"]), each["msg"].removeprefix("Value error, ")]) for each in wrong]
    return f"{'; '.join(said)}."
