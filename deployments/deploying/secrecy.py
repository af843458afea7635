"""What must not lie in clear in a deployment: anybody who may look at the Prefect UI reads its parameters.

Secrets travel by the name of a block. What is meant for one is known by the flow's schema; else by how it is called,
and by values that look like one.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

MASKED = "***"
_WORDS = frozenset({
    "password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "apikey", "credential", "credentials",
})  # fmt: skip
_PAIRS = ("api_key", "access_key", "private_key", "secret_key", "auth_string", "account_key")
_LOOKS = re.compile(r"^[a-z][a-z0-9+.-]*://[^/\s@:]*:[^/\s@]+@|^whsec_\S{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----")
Place = tuple[str | int, ...]


def called_like_a_secret(name: str) -> bool:
    """Tell whether something is called as secrets are: DB_PASSWORD, apiToken, aws_secret_access_key."""
    snake = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    return not _WORDS.isdisjoint(snake.split("_")) or any(pair in snake for pair in _PAIRS)


def looks_like_a_secret(value: Any) -> bool:
    """Tell whether a value is an address with a password, a key to sign with, or a private key."""
    return isinstance(value, str) and _LOOKS.search(value) is not None


def secrets_in(value: Any, path: Place = (), *, named: bool = False) -> Iterator[Place]:
    """Yield where secrets lie in parameters or job variables. A reference to a block is none."""
    if isinstance(value, Mapping):
        if "$ref" not in value:
            for name, within in value.items():
                yield from secrets_in(within, (*path, name), named=named or called_like_a_secret(str(name)))
    elif isinstance(value, list):
        for index, within in enumerate(value):
            yield from secrets_in(within, (*path, index), named=named)
    elif looks_like_a_secret(value) or (named and isinstance(value, str) and value):
        yield path


def texts(value: Any, path: Place = ()) -> Iterator[tuple[Place, str]]:
    """Yield every text within a value, and where it lies."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, within in value.items():
            yield from texts(within, (*path, key))
    elif isinstance(value, list):
        for index, within in enumerate(value):
            yield from texts(within, (*path, index))


def secrets_by_schema(parameters: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Place]:
    """Yield where values lie that the flow takes as secrets: fields of blocks, and parameters of that type."""
    definitions = schema.get("definitions", {})
    for name, value in parameters.items():
        for kind in _kinds(schema.get("properties", {}).get(name, {}), definitions):
            if kind.get("format") == "password" and isinstance(value, str):
                yield (name,)
            elif isinstance(value, Mapping) and "$ref" not in value:
                secret = {each.partition(".")[0] for each in kind.get("secret_fields", ())}
                yield from ((name, within) for within in value if within in secret)


def _kinds(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for within in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from _kinds(within, definitions)
    reference = schema.get("$ref", "")
    if reference.startswith("#/definitions/"):
        yield definitions.get(reference.rpartition("/")[2], {})
