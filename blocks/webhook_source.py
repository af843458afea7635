"""What a sender signs with as a Prefect block: `webhook-source/departures`. A stream names it in `source.block`."""

import httpx
from prefect.blocks.core import Block
from prefect.settings import PREFECT_API_URL

from datastream.auth import SecretsMissing
from datastream.catalog import Stream, WebhookSpec
from datastream.connections import WebhookConfig
from datastream.errors import Transient


class SecretsUnread(Transient):
    """The secrets of a stream cannot be read now."""


class WebhookSource(WebhookConfig, Block):
    """What a sender of webhooks signs with. While a secret is rotated, list both.

    Secrets are shown nowhere and travel by the block's name.
    """

    _block_type_name = "Webhook Source"
    _block_type_slug = "webhook-source"
    _description = "A sender whose webhooks are signed as Standard Webhooks says."
    _code_example = (
        "from blocks import WebhookSource\n\n"
        'WebhookSource(secrets=["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"]).save("departures")\n'
    )


def webhook_of(stream: Stream) -> WebhookConfig:
    """Return what posts to a stream are signed with. Raises SecretsMissing and SecretsUnread."""
    if not isinstance(stream.source, WebhookSpec):
        raise TypeError(f"{stream.name} is not posted to")
    if isinstance(stream.source.block, WebhookConfig):
        return stream.source.block
    return _load(stream.name, stream.source.block)


def _load(stream: str, block: str) -> WebhookConfig:
    slug, _, name = block.partition("/")
    where = f"The stream {stream!r} takes its secrets from the block {block!r}"
    if slug != WebhookSource.get_block_type_slug() or not name:
        raise SecretsMissing(f"{where}, and such a block is called webhook-source/NAME: correct source.block.")
    if PREFECT_API_URL.value() is None:
        raise SecretsUnread(f"{where}, and no Prefect server is named: set PREFECT_API_URL.")
    try:
        return WebhookSource.load(name)
    except ValueError as error:
        raise SecretsMissing(
            f"{where}, which does not exist on this Prefect server. Create it in the UI under Blocks."
        ) from error
    except (httpx.HTTPError, RuntimeError) as error:
        raise SecretsUnread(
            f"{where}, which cannot be read from {PREFECT_API_URL.value()}: {error}. Is the server up, and the block "
            "whole?"
        ) from error
