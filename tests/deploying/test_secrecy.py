"""What is taken for a secret, by its name and by its look, and what is not."""

from typing import Any

import pytest

from deployments.deploying.secrecy import called_like_a_secret, looks_like_a_secret, secrets_in

NAMES = [
    "password",
    "DB_PASSWORD",
    "apiToken",
    "aws_secret_access_key",
    "API-KEY",
    "clientSecret",
    "PREFECT_API_AUTH_STRING",
]
NO_NAMES = ["key", "stream", "tokens_per_second", "passwordless", "keyboard", "secretary", "sort_key", "monkey"]
LOOKS = [
    "amqp://me:word@host/", "redis://:word@127.0.0.1:6379/0", "https://user:word@example.org",
    "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
]  # fmt: skip
NO_LOOKS = [
    "https://example.org/a:b@c",
    "redis://127.0.0.1:6379/0",
    "s3://bucket/prefix",
    "user@example.org",
    "P1D",
    "",
]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_called_like_a_secret_is_one(name: str) -> None:
    assert called_like_a_secret(name)


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_only_sounds_like_one_is_none(name: str) -> None:
    assert not called_like_a_secret(name)


@pytest.mark.parametrize("value", LOOKS)
def test_what_looks_like_a_secret_is_one(value: str) -> None:
    assert looks_like_a_secret(value)


@pytest.mark.parametrize("value", NO_LOOKS)
def test_an_ordinary_address_is_none(value: str) -> None:
    assert not looks_like_a_secret(value)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"auth": {"token": "x"}, "n": 1}, [("auth", "token")]),
        ({"lake": {"$ref": {"block_document_slug": "secret/token"}}}, []),
        ({"secrets": ["a", "b"], "urls": ["http://a", "http://a:b@c"]}, [("secrets", 0), ("secrets", 1), ("urls", 1)]),
        ({"password": ""}, []),
        ({"password": None}, []),
    ],
)
def test_each_is_found_where_it_lies(value: Any, where: list[tuple[str | int, ...]]) -> None:
    assert list(secrets_in(value)) == where
