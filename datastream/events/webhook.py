"""Posts events to an operator's own receiver, one by one, signed by Standard Webhooks.

At least once: an event counts as told once the receiver has answered 2xx, and `webhook-id` is the event's own, so that
repeats are told by it. No redirect is followed, and no proxy of the environment is asked.
"""

from collections.abc import Sequence
from datetime import timedelta

import urllib3

from datastream.auth.standard_webhooks import sign
from datastream.clock import Clock, SystemClock
from datastream.connections import AlertsConfig, signing_key
from datastream.errors import Transient
from datastream.events.event import CONTENT_TYPE, Event

_LONGEST = timedelta(seconds=10)
_OK, _REDIRECT, _REFUSED = 200, 300, 400


class ReceiverAway(Transient):
    """The receiver of alerts gave no answer, or did not take an event. It is sent again by a later run."""


class WebhookBus:
    """An event bus that is a receiver of webhooks."""

    def __init__(self, config: AlertsConfig, clock: Clock | None = None) -> None:
        self._url, self._host = config.url.get_secret_value(), config.host
        self._key, self._clock = signing_key(config.secret), clock or SystemClock()
        self._pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(total=_LONGEST.total_seconds()))

    def publish(self, events: Sequence[Event]) -> None:
        """Return once the receiver has taken all, in order. Raises ReceiverAway."""
        for event in events:
            self._post(event)

    def check(self) -> str:
        """Return where alerts go. The receiver is not asked: whatever is posted to it, it would take for an alert."""
        return f"Alerts are posted to {self._host}."

    def close(self) -> None:
        self._pool.clear()

    def _post(self, event: Event) -> None:
        body = event.encoded
        headers = {"content-type": CONTENT_TYPE, **sign(self._key, event.id, self._clock.now(), body)}
        try:
            answer = self._pool.request("POST", self._url, body=body, headers=headers, redirect=False,
                                        preload_content=False)  # fmt: skip
        except urllib3.exceptions.HTTPError as error:
            raise ReceiverAway(
                f"The receiver of alerts at {self._host} gave no answer ({type(error).__name__}). What waits is posted "
                "by the next run; correct DATASTREAM_ALERT_WEBHOOK_URL if it lies elsewhere."
            ) from None  # the error shows the address, which may hold a secret
        status = answer.status
        answer.close()  # what it says is of no use to us, and may be long
        if not _OK <= status < _REDIRECT:
            raise ReceiverAway(f"The receiver of alerts at {self._host} answered {status}: {_meaning(status)}")


def _meaning(status: int) -> str:
    if _REDIRECT <= status < _REFUSED:
        return "it sends us elsewhere, and nobody follows. Name the new address in DATASTREAM_ALERT_WEBHOOK_URL."
    return "it did not take the event, which is posted again by the next run. Its own log says why."
