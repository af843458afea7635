"""An HTTP server for tests whose clients may be killed in the middle of a sentence: it says nothing of that."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class PatientServer(ThreadingHTTPServer):
    """Answers each client in a thread of its own."""

    request_queue_size = 128  # whoever finds it full comes again after a second

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class PatientHandler(BaseHTTPRequestHandler):
    """Keeps connections, and says nothing of what it is asked."""

    protocol_version = "HTTP/1.1"
    # A body would wait 40 ms until the client has acknowledged the headers, which are sent before it.
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass
