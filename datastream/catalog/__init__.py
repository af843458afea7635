"""What flows: `streams/*.yaml` as checked models. A file that is wrong says where, what, and the way out."""

from datastream.catalog.catalog import Catalog, StreamInvalid, StreamMissing
from datastream.catalog.quality import Quality, Volume
from datastream.catalog.schema_spec import SchemaSpec
from datastream.catalog.source import ApiSpec, Cursor, CursorValue, NextLink, PageNumber, WebhookSpec
from datastream.catalog.stream import Batch, PartitionBy, Stream
from datastream.catalog.upkeep import Compact, Retention

__all__ = [
    "ApiSpec",
    "Batch",
    "Catalog",
    "Compact",
    "Cursor",
    "CursorValue",
    "NextLink",
    "PageNumber",
    "PartitionBy",
    "Quality",
    "Retention",
    "SchemaSpec",
    "Stream",
    "StreamInvalid",
    "StreamMissing",
    "Volume",
    "WebhookSpec",
]
