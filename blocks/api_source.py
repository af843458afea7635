"""A REST API as a Prefect block: `api-source/flights`. A stream names it in `source.block`."""

from typing import Any

from prefect.blocks.core import Block, schema_extra
from pydantic import ConfigDict

from blocks.known_fields import KnownFields
from blocks.loading import load
from datastream.catalog import Stream
from datastream.connections import ApiAddress, ApiConfig
from datastream.sources.client import check


def _hiding_headers(schema: dict[str, Any], model: type[Block]) -> None:
    """Say what is secret as Prefect's server understands it, which shows the values of a dict of secrets otherwise."""
    schema_extra(schema, model)
    schema["secret_fields"] = ["headers.*" if name == "headers" else name for name in schema["secret_fields"]]


class ApiSource(KnownFields, ApiConfig, Block):
    """A REST API: where it is, what lets us in, and how long and how large an answer may be.

    Headers and what lets us in are secrets: they are shown nowhere and travel by the block's name.
    """

    model_config = ConfigDict(json_schema_extra=_hiding_headers)

    _block_type_name = "API Source"
    _block_type_slug = "api-source"
    _description = "A REST API that records are pulled from."
    _code_example = (
        "from blocks import ApiSource\n\n"
        'ApiSource(base_url="https://api.example.org/v1").save("flights")\nprint(ApiSource.load("flights").check())\n'
    )

    def check(self) -> str:
        """Return that the API answers and knows us, in a sentence. Raises what is wrong, in a sentence."""
        return check(self)


def api_of(stream: Stream) -> ApiConfig:
    """Return the connection that a stream names, or that its file holds. Raises BlockMissing and BlockUnread."""
    if isinstance(stream.api.block, ApiAddress):
        return ApiConfig.model_validate(dict(stream.api.block))
    return load(ApiSource, stream.api.block, f"The stream {stream.name!r} takes its connection from")
