"""An HTTP server for tests whose clients may be killed in the middle of a sentence: it says nothing of that."""

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class PatientServer(ThreadingHTTPServer):
    """Answers each client in a thread of its own."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
