"""What lets us into an API as a Prefect block, on a real Prefect server: kept, hidden, and used by a run."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.auth.login import Login, logging_in
from tests.conftest import orders
from tests.fake_api import LOCAL
from tests.flows.conftest import Project, python
from tests.prefect_api import ask

OAUTH = {"token_url": "https://login.example.org/token", "client_id": "me"}
KINDS: dict[str, dict[str, Any]] = {
    "bearer": {"token": "s3cr3t-token"},
    "api_key": {"name": "key", "place": "query", "value": "s3cr3t-key"},
    "basic": {"username": "s3cr3t-name", "password": "s3cr3t-word"},
    "client_credentials": {**OAUTH, "client_secret": "s3cr3t-client", "params": {"audience": "all"}},
    "refresh_token": {**OAUTH, "refresh_token": "s3cr3t-refresh"},
    "jwt": {"algorithm": "HS256", "key": "s3cr3t-shared", "claims": {"iss": "me", "aud": ["a"]}, "lifetime": "PT1M"},
}
FIELDS = {
    "base_url": "https://api.example.org",
    "headers": {"X-Tenant": "s3cr3t-header"},
    "client_certificate": {"certificate": "-----BEGIN s3cr3t", "key": "-----BEGIN s3cr3t", "password": "s3cr3t-pass"},
}
SAVE = """
import json, sys
from blocks import ApiSource

for kind, auth in json.loads({kinds!r}).items():
    given = ApiSource(auth={{"kind": kind, **auth}}, **json.loads({fields!r}))
    given.save("orders", overwrite=True)
    loaded = ApiSource.load("orders")
    same = all(getattr(given, name) == getattr(loaded, name) for name in ApiSource.model_fields)
    print(json.dumps([kind, type(loaded.auth).__name__, same, repr(loaded), loaded.model_dump_json()]))
    loaded.save(kind.replace("_", "-"), overwrite=True)
"""


@pytest.fixture
def login() -> Iterator[Login]:
    with logging_in(Login()) as served:
        yield served


def test_each_kind_survives_a_block_and_is_shown_by_nobody(prefect: dict[str, str]) -> None:
    code = SAVE.format(kinds=json.dumps(KINDS), fields=json.dumps(FIELDS))
    for line in python(prefect, code):
        kind, _, same, *shown = json.loads(line)
        path = f"/block_types/slug/api-source/block_documents/name/{kind.replace('_', '-')}"
        at_the_server = ask("GET", f"{prefect['PREFECT_API_URL']}{path}")
        assert same, kind
        assert at_the_server["data"]["auth"]["kind"] == kind
        assert not [text for text in (*shown, json.dumps(at_the_server)) if "s3cr3t" in text], kind


def test_a_run_gets_its_token_by_the_block_and_shares_it(
    project: Project, prefect: dict[str, str], login: Login
) -> None:
    file = project.folder / "streams/orders.yaml"
    project.stream(file.read_text().split("block: ")[1].splitlines()[0], "api-source/login")
    auth = {**json.loads(login.client_credentials().model_dump_json()), "client_secret": "s3cr3t-client"}
    given = f"base_url={login.url!r}, auth={auth!r}, private_networks={LOCAL}"
    python(prefect, f"from blocks import ApiSource\nApiSource({given}).save('login')")
    for count in (10, 20):
        login.api.records = orders(count)
        done = project.run(PREFECT_LOGGING_ROOT_LEVEL="DEBUG", PREFECT_LOGGING_LEVEL="DEBUG")
        assert done.returncode == 0, done.stderr
        assert "s3cr3t" not in done.stdout + done.stderr
        assert "acc3ss" not in done.stdout + done.stderr
    assert login.given == 1, "the second run found the token of the first"
    with redis.Redis.from_url(project.redis_url) as client:
        assert len(client.keys("datastream:token:*")) == 1
