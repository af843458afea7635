"""Where what was posted waits until it is committed, as a Prefect block: `stream-buffer/local`."""

from prefect.blocks.core import Block

from blocks.known_fields import KnownFields
from datastream.connections import BufferConfig


class StreamBuffer(KnownFields, BufferConfig, Block):
    """The Redis or Valkey that keeps what came by webhook until it is committed, and the leases of runs.

    Give it to a flow as the parameter `buffer`; without it the flow uses DATASTREAM_REDIS_URL.
    """

    _block_type_name = "Stream Buffer"
    _block_type_slug = "stream-buffer"
    _description = "The Redis or Valkey that keeps what came by webhook until it is committed."
    _code_example = (
        "from blocks import StreamBuffer\n\n"
        'StreamBuffer(url="redis://127.0.0.1:6379/0").save("local")\nprint(StreamBuffer.load("local").check())\n'
    )

    def check(self) -> str:
        """Return what the buffer is, in a sentence. Raises what is wrong with it, in a sentence."""
        from datastream.buffers.redis import open_buffer

        with open_buffer(self) as buffer:
            return buffer.check()
