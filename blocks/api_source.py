"""A REST API as a Prefect block: `api-source/flights`. A stream names it in `source.block`."""

from prefect.blocks.core import Block

from blocks.loading import load
from datastream.catalog import Stream
from datastream.connections import ApiConfig
from datastream.sources.client import check


class ApiSource(ApiConfig, Block):
    """A REST API: where it is, what is sent with each request, and how long and how large an answer may be.

    Headers are secrets: they are shown nowhere and travel by the block's name.
    """

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
    if isinstance(stream.api.block, ApiConfig):
        return stream.api.block
    return load(ApiSource, stream.api.block, f"The stream {stream.name!r} takes its connection from")
