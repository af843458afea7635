"""A REST API as a Prefect block: `api-source/flights`. A stream names it in `source.block`."""

from prefect.blocks.core import Block

from datastream.catalog import Stream
from datastream.connections import ApiConfig
from datastream.errors import Permanent


class ApiMissing(Permanent):
    """The block that a stream names does not exist."""


class ApiSource(ApiConfig, Block):
    """A REST API: where it is, what is sent with each request, and how long and how large an answer may be.

    Headers are secrets: they are shown nowhere and travel by the block's name.
    """

    _block_type_name = "API Source"
    _block_type_slug = "api-source"
    _description = "A REST API that records are pulled from."
    _code_example = 'from blocks import ApiSource\n\nApiSource(base_url="https://api.example.org/v1").save("flights")\n'


def api_of(stream: Stream) -> ApiConfig:
    """Return the connection that a stream names, or that its file holds. Raises ApiMissing."""
    if isinstance(stream.api.block, ApiConfig):
        return stream.api.block
    slug, _, name = stream.api.block.partition("/")
    missing = (
        f"The stream {stream.name!r} takes its connection from the block {stream.api.block!r}, "
        "which does not exist on this Prefect server."
    )
    if slug != ApiSource.get_block_type_slug() or not name:
        raise ApiMissing(f"{missing} A connection to an API is called api-source/NAME: correct source.block.")
    try:
        return ApiSource.load(name)
    except ValueError as error:
        raise ApiMissing(f"{missing} Create it in the UI under Blocks, or let `datastream up` register it.") from error
