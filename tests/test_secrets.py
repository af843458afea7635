"""What a connection holds is in no message, also when it is wrong."""

import pytest
from pydantic import ValidationError

from datastream.connections import ApiConfig, BufferConfig, EventBusConfig, LakeConfig, WebhookConfig

SECRET = "s3cr3t"  # noqa: S105 - it is what must not be seen
HERE = "http://127.0.0.1/"
WRONG = [
    lambda: ApiConfig(base_url="http://127.0.0.1", headers={"Authorization": f"{SECRET}\n"}),
    lambda: ApiConfig(base_url=f"http://user:{SECRET}@127.0.0.1"),
    lambda: auth(kind="bearer", token=f"{SECRET}\n"),
    lambda: auth(kind="bearer", token=SECRET, more=SECRET),
    lambda: auth(kind="berer", token=SECRET),
    lambda: auth(kind="api_key", name="a key", value=SECRET),
    lambda: auth(kind="api_key", name="key", place="body", value=SECRET),
    lambda: auth(kind="basic", username=f"{SECRET}:", password=SECRET),
    lambda: auth(kind="client_credentials", token_url=f"http://me:{SECRET}@x/", client_id="me", client_secret=SECRET),
    lambda: auth(kind="client_credentials", token_url=HERE, client_id="me", client_secret=f"{SECRET}é"),
    lambda: auth(kind="refresh_token", token_url=HERE, client_id="me", refresh_token=f"{SECRET}\0"),
    lambda: auth(kind="refresh_token", token_url=HERE, client_id="me", client_secret=SECRET),
    lambda: auth(kind="jwt", algorithm="none", key=SECRET),
    lambda: auth(kind="jwt", algorithm="HS256", key=SECRET, lifetime="PT1S"),
    lambda: ApiConfig(base_url="http://x", client_certificate={"certificate": SECRET, "key": SECRET}),
    lambda: LakeConfig(uri=f"s3://key:{SECRET}@bucket/prefix"),
    lambda: LakeConfig(uri="s3://bucket", endpoint=f"htp://key:{SECRET}@127.0.0.1"),
    lambda: BufferConfig(url=f"http://:{SECRET}@127.0.0.1"),
    lambda: BufferConfig(url=f"redis://:{SECRET}@127.0.0.1:6379/0?socket_timeout=abc"),
    lambda: EventBusConfig(url=f"http://user:{SECRET}@127.0.0.1"),
    lambda: WebhookConfig(secrets=[f"whsec_{SECRET}"]),
]


def auth(**fields) -> ApiConfig:
    return ApiConfig(base_url="http://127.0.0.1", auth=fields)


@pytest.mark.parametrize("make", WRONG)
def test_a_connection_that_is_wrong_shows_nothing_of_what_it_holds(make) -> None:
    with pytest.raises(ValidationError) as told:
        make()
    assert SECRET not in str(told.value)
    assert all(SECRET not in error["msg"] for error in told.value.errors())
