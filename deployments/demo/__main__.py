"""Starts the demo API: `python -m deployments.demo --port 8390`.

It says its address at once, and answers /health when it is ready.
"""

import argparse
import socket
import sys
from datetime import timedelta

from datastream.errors import Permanent


class PortTaken(Permanent):
    """Something else listens on the port that was asked for."""

    def __init__(self, port: int) -> None:
        super().__init__(f"Port {port} of 127.0.0.1 is taken. Choose another --port, or none for a free one.")


def main() -> None:
    """Serve the flights on loopback until stopped."""
    parser = argparse.ArgumentParser(prog="python -m deployments.demo", description="Serve real flights as a REST API.")
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1 (default: a free port)")
    parser.add_argument("--latency-ms", type=int, default=0, help="how much later than possible each answer comes")
    asked = parser.parse_args()
    try:
        serve(asked.port, timedelta(milliseconds=asked.latency_ms))
    except Permanent as problem:
        sys.exit(str(problem))


def serve(port: int, latency: timedelta) -> None:
    """Bind first, so that a taken port is told at once, then load and answer."""
    with _bind(port) as listener:
        sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        _run(listener, latency)


def _bind(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise PortTaken(port) from None
    return listener


def _run(listener: socket.socket, latency: timedelta) -> None:
    import uvicorn

    from deployments.demo.app import DemoApi
    from deployments.demo.flights import load

    config = uvicorn.Config(
        DemoApi(load(), latency),
        http="h11",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
