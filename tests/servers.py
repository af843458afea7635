"""An HTTP server for tests whose clients may be killed in the middle of a sentence: it says nothing of that."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
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


class _Odd(PatientHandler):
    status, said = 200, b""

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.said)))
        self.end_headers()
        self.wfile.write(self.said)

    def do_POST(self) -> None:
        self.do_GET()


@contextmanager
def answering(status: int, said: bytes) -> Iterator[str]:
    """Be a server that answers everything so."""
    with PatientServer(("127.0.0.1", 0), type("_", (_Odd,), {"status": status, "said": said})) as odd:
        thread = Thread(target=odd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{odd.server_address[1]}/api"
        odd.shutdown()
        thread.join()
