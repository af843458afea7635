"""A stream's rows on the lake as a Prefect asset, so that automations and the UI know when there are more of them."""

from collections.abc import Mapping
from typing import Any

from prefect.assets import Asset, AssetProperties, materialize
from prefect.cache_policies import NO_CACHE

from tasks.gate import ROWS_OF


def materialize_rows(stream: str, metadata: Mapping[str, Any]) -> None:
    """Tell Prefect that rows were loaded: `prefect.asset.materialization.succeeded` of `datastream://lake/{stream}`.

    It is one small task. The key names no lake, so that it is the same wherever a lake lies; the metadata do.
    """
    properties = AssetProperties(name=stream, description=f"The rows of the stream {stream!r} on the lake.")
    asset = Asset(key=f"{ROWS_OF}{stream}", properties=properties)

    @materialize(
        asset, name="materialize", task_run_name=f"materialize {stream}", cache_policy=NO_CACHE, persist_result=False
    )
    def tell() -> None:
        asset.add_metadata(dict(metadata))

    tell()
