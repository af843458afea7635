"""What a connection holds is in no message, also when it is wrong."""

import pytest
from pydantic import ValidationError

from datastream.connections import ApiConfig, BufferConfig, EventBusConfig, LakeConfig, WebhookConfig

SECRET = "s3cr3t"  # noqa: S105 - it is what must not be seen
WRONG = [
    lambda: ApiConfig(base_url="http://127.0.0.1", headers={"Authorization": f"{SECRET}\n"}),
    lambda: ApiConfig(base_url=f"http://user:{SECRET}@127.0.0.1"),
    lambda: LakeConfig(uri=f"s3://key:{SECRET}@bucket/prefix"),
    lambda: LakeConfig(uri="s3://bucket", endpoint=f"htp://key:{SECRET}@127.0.0.1"),
    lambda: BufferConfig(url=f"http://:{SECRET}@127.0.0.1"),
    lambda: BufferConfig(url=f"redis://:{SECRET}@127.0.0.1:6379/0?socket_timeout=abc"),
    lambda: EventBusConfig(url=f"http://user:{SECRET}@127.0.0.1"),
    lambda: WebhookConfig(secrets=[f"whsec_{SECRET}"]),
]


@pytest.mark.parametrize("make", WRONG)
def test_a_connection_that_is_wrong_shows_nothing_of_what_it_holds(make) -> None:
    with pytest.raises(ValidationError) as told:
        make()
    assert SECRET not in str(told.value)
    assert all(SECRET not in error["msg"] for error in told.value.errors())
