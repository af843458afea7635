"""The places of a chaos run: webhooks or an API, a folder or S3. Each campaign gets a stream, a lake and servers."""

import random
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from datastream.buffers.redis import open_buffer
from datastream.connections import LakeConfig
from datastream.lake.lake import open_lake
from tests.chaos import reader
from tests.chaos.campaign import Campaign
from tests.chaos.deploys import write_suites
from tests.chaos.ledger import Ledger
from tests.chaos.notes import Notes
from tests.chaos.server import Valkey, running
from tests.chaos.sources import Api, Posts, Spans
from tests.chaos.tally import Tally
from tests.fake_api import FakeApi, serving
from tests.proxy import between
from tests.seaweedfs import fresh_lake

_DISK = "24m"
SHARES = {"lost": 0.03, "busy": 0.01, "broken": 0.01, "cut": 0.02}
"""How often S3 applies a request and loses its answer, is too busy, has a problem, or hangs up."""

APIS = {"api": Api, "spans": Spans}


class Way(NamedTuple):
    """Where records come from and where they go."""

    source: str
    lake: str

    def __str__(self) -> str:
        return f"{self.source} to {self.lake}"


@contextmanager
def campaign(
    way: Way, folder: Path, s3: LakeConfig | None, tally: Tally, seed: object, plant: str = ""
) -> Iterator[Campaign]:
    """Prepare a campaign in an empty folder; its servers run as long as the block lasts."""
    chance, ledger = random.Random(str(seed)), Ledger()
    folder.mkdir()
    with ExitStack() as held:
        disk = held.enter_context(_disk(folder / "disk")) if way.lake == "local" else None
        lake = _lake(folder, disk, s3)
        proxy = held.enter_context(between(lake.endpoint)) if lake.folder is None else None
        server = held.enter_context(running(folder / "valkey"))
        source = _source(way, server, ledger, chance, held)
        source.history(300)
        path = folder / "notes"
        yield Campaign(
            kind=way.lake, source=source, ledger=ledger, server=server, store=open_lake(lake), disk=disk,
            lake=lake.model_copy(update={"endpoint": proxy.url}) if proxy else lake, proxy=proxy,
            shares=SHARES if proxy else {}, suites=write_suites(folder / "suites"), notes=Notes(path), notes_path=path,
            chance=chance, tally=tally, plant=plant,
        )  # fmt: skip


@contextmanager
def watched(campaign: Campaign, folder: Path) -> Iterator[Path]:
    """Have a stranger read the lake all the time."""
    lake = campaign.lake
    if campaign.proxy:
        lake = lake.model_copy(update={"endpoint": f"http://{campaign.proxy.server}"})
    with reader.reading(lake, folder) as findings:
        yield findings


def _lake(folder: Path, disk: Path | None, s3: LakeConfig | None) -> LakeConfig:
    if s3:
        return fresh_lake(s3, folder.name)
    return LakeConfig(uri=((disk or folder) / "lake").as_uri())


def _source(way: Way, server: Valkey, ledger: Ledger, chance: random.Random, held: ExitStack) -> Api | Posts:
    if way.source in APIS:
        return APIS[way.source](held.enter_context(serving(FakeApi())), ledger, chance)
    return Posts(server, held.enter_context(open_buffer(server.config)), ledger, chance)


@contextmanager
def _disk(folder: Path) -> Iterator[Path | None]:
    """Make a small file system in memory; where that is not allowed there is none, and no disk will be full."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "chaos", folder], check=False, stderr=subprocess.DEVNULL
    )
    try:
        yield folder if made.returncode == 0 else None
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "-l", folder], check=True)
