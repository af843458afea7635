"""What flows: `streams/*.yaml` as checked models. A file that is wrong says where, what, and the way out."""

from datastream.catalog.answers import AnswerRule
from datastream.catalog.catalog import Catalog, StreamInvalid, StreamMissing
from datastream.catalog.hooks import Hooks
from datastream.catalog.paginate import (
    Auto,
    HeaderLink,
    NextLink,
    Offset,
    PageNumber,
    Paginate,
    Place,
    Python,
    Single,
    Token,
)
from datastream.catalog.parent import Parent, fields_in, filled
from datastream.catalog.quality import Quality, Reference, Volume
from datastream.catalog.schema_spec import SchemaSpec
from datastream.catalog.source import ApiSpec, Cursor, CursorValue, WebhookSpec
from datastream.catalog.stream import Batch, PartitionBy, Stream
from datastream.catalog.upkeep import Compact, Retention, Upkeep

__all__ = [
    "AnswerRule",
    "ApiSpec",
    "Auto",
    "Batch",
    "Catalog",
    "Compact",
    "Cursor",
    "CursorValue",
    "HeaderLink",
    "Hooks",
    "NextLink",
    "Offset",
    "PageNumber",
    "Paginate",
    "Parent",
    "PartitionBy",
    "Place",
    "Python",
    "Quality",
    "Reference",
    "Retention",
    "SchemaSpec",
    "Single",
    "Stream",
    "StreamInvalid",
    "StreamMissing",
    "Token",
    "Upkeep",
    "Volume",
    "WebhookSpec",
    "fields_in",
    "filled",
]
