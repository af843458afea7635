"""The connections as Prefect blocks: the fields of `datastream.connections`, with a form in the UI."""

from blocks.api_source import ApiSource
from blocks.data_lake import DataLake
from blocks.event_bus import EventBus
from blocks.stream_buffer import StreamBuffer
from blocks.webhook_source import WebhookSource

__all__ = ["ApiSource", "DataLake", "EventBus", "StreamBuffer", "WebhookSource"]
