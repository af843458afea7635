"""What a sender signs with as a Prefect block: `webhook-source/departures`. A stream names it in `source.block`."""

from prefect.blocks.core import Block
from prefect.settings import PREFECT_API_URL

from blocks.known_fields import KnownFields
from blocks.loading import BlockMissing, BlockUnread, load
from datastream.auth import SecretsMissing
from datastream.catalog import Stream, WebhookSpec
from datastream.connections import WebhookConfig


class WebhookSource(KnownFields, WebhookConfig, Block):
    """What a sender of webhooks signs with. While a secret is rotated, list both.

    Secrets are shown nowhere and travel by the block's name.
    """

    _block_type_name = "Webhook Source"
    _block_type_slug = "webhook-source"
    _description = "A sender whose webhooks are signed as Standard Webhooks says."
    _code_example = (
        "from blocks import WebhookSource\n\n"
        'WebhookSource(secrets=["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"]).save("departures")\n'
        'print(WebhookSource.load("departures").check())\n'
    )

    def check(self) -> str:
        """Return how many secrets there are, in a sentence. That they can sign was checked when they were given."""
        count = len(self.keys)
        return f"{count} secret{'s' * (count != 1)} to check signatures with."


def webhook_of(stream: Stream) -> WebhookConfig:
    """Return what posts to a stream are signed with. Raises SecretsMissing and BlockUnread."""
    if not isinstance(stream.source, WebhookSpec):
        raise TypeError(f"{stream.name} is not posted to")
    if isinstance(stream.source.block, WebhookConfig):
        return stream.source.block
    if not PREFECT_API_URL.value():  # outside of a run, Prefect would start a server of its own to ask
        raise BlockUnread(
            f"The stream {stream.name!r} takes its secrets from the block {stream.source.block!r}, and no Prefect "
            "server is named: set PREFECT_API_URL."
        )
    try:
        return load(WebhookSource, stream.source.block, f"The stream {stream.name!r} takes its secrets from")
    except BlockMissing as error:
        raise SecretsMissing(str(error)) from error
