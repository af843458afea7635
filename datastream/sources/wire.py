"""Connects to an API: only to addresses that were judged, and with an end to each answer.

A host is resolved once for each connection, and the connection goes to one of the addresses that were judged: nobody
asks again, so a name that has become another address meanwhile (DNS rebinding) gains nothing. Host, SNI and the
certificate's name stay those of the host. Proxies that the environment names are not used.
"""

import io
import math
import socket
from functools import partial
from http.client import HTTPResponse
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError

from datastream.clock import Clock
from datastream.sources.reach import Reach


class AnswerEndless(Exception):
    """An answer was still coming at a bound, which is named."""


class CheckedPool(urllib3.PoolManager):
    """The connections to one API, kept open. Safe to use from several threads.

    Asking raises AddressRefused and AnswerEndless besides urllib3's own.
    """

    def __init__(self, reach: Reach, clock: Clock, **settings: Any) -> None:
        super().__init__(**settings)
        self._reach, self._clock = reach, clock

    def _new_pool(self, scheme: str, *args: Any, **settings: Any) -> urllib3.HTTPConnectionPool:
        pool = super()._new_pool(scheme, *args, **settings)
        kind = _CheckedTls if scheme == "https" else _Checked
        pool.ConnectionCls = partial(kind, self._reach, self._clock)  # type: ignore[assignment]
        return pool


class _Checked(HTTPConnection):
    def __init__(self, reach: Reach, clock: Clock, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._reach = reach
        self.response_class = partial(_Timed, clock)  # type: ignore[assignment]

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        try:
            addresses = self._reach.addresses(name, self.port)
        except OSError as error:
            raise NameResolutionError(self.host, self, error) from error  # type: ignore[arg-type]
        except UnicodeError as error:
            raise LocationParseError(f"{name!r}, of which a part is empty or too long") from error
        failed: Exception = NewConnectionError(self, "it has no address")
        try:
            for self._dns_host in addresses:
                try:
                    return super()._new_conn()
                except (NewConnectionError, ConnectTimeoutError) as error:
                    failed = error
        finally:
            self._dns_host = name
        raise failed


class _CheckedTls(_Checked, HTTPSConnection):
    pass


class _Timed(HTTPResponse):
    """An answer that has to end, headers included, within the time that its socket gives to each read."""

    def __init__(self, clock: Clock, sock: socket.socket, **settings: Any) -> None:
        super().__init__(sock, **settings)
        self.fp = io.BufferedReader(_Until(self.fp.detach(), clock, sock.gettimeout() or math.inf))


class _Until(io.RawIOBase):
    def __init__(self, source: io.RawIOBase, clock: Clock, seconds: float) -> None:
        self._source, self._clock, self._seconds = source, clock, seconds
        self._deadline = clock.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._clock.monotonic() > self._deadline:
            raise AnswerEndless(f"timeout, {self._seconds:g} s")
        return self._source.readinto(buffer)

    def close(self) -> None:
        self._source.close()
        super().close()
