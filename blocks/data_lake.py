"""Where committed data lives, as a Prefect block: `data-lake/local`."""

from prefect.blocks.core import Block

from blocks.known_fields import KnownFields
from datastream.connections import LakeConfig
from datastream.lake.lake import check


class DataLake(KnownFields, LakeConfig, Block):
    """Where committed data lives.

    Give it to a flow as the parameter `lake`; without it the flow uses DATASTREAM_LAKE_URI.
    """

    _block_type_name = "Data Lake"
    _block_type_slug = "data-lake"
    _description = "Where committed data lives."
    _code_example = 'from blocks import DataLake\n\nlake = DataLake.load("local")\nprint(lake.check())\n'

    def check(self) -> str:
        """Return what the lake is, in a sentence. Raises what is wrong with it, in a sentence."""
        return check(self)
