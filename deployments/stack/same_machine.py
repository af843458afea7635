"""Prefect's own command, whose server answers nobody but this machine's own: `python -m deployments.stack.same_machine
server start ...`.

That it listens on 127.0.0.1 keeps other machines out, and not the pages of others that a browser on this machine shows.
Prefect takes their requests, and whoever may ask it may run any command. So a request has to name this machine as its
Host, which a name that was made to point here does not (DNS rebinding), and an Origin, which a browser sends along with
what one page asks of another's server, has to be this server's. A server with an auth string asks for that instead.
"""

from typing import Any

from datastream.gateway.asgi import JSON, Receive, Scope, Send, answer
from datastream.gateway.page import is_own
from deployments.stack.collecting import collect_apart

_FORBIDDEN = 403
_POLICY_VIOLATION = 1008
_REFUSED = (
    b'{"detail": "This Prefect server asks nobody who he is, so it answers this machine only, and no page but its own. '
    b'Ask for http://127.0.0.1 and its port; to reach it by another name, start one with an auth string."}'
)


class SameMachine:
    """An application that is asked by this machine's own programs and pages only."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what is not of a stranger."""
        if scope["type"] == "lifespan" or not _of_a_stranger(dict(scope["headers"])):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            await answer(send, _FORBIDDEN, _REFUSED, JSON)


def _of_a_stranger(headers: dict[bytes, bytes]) -> bool:
    host = headers.get(b"host", b"").decode("latin-1")
    origin = headers.get(b"origin")
    if not is_own(host):
        return True
    if origin is None:
        return False
    # The UI asks 127.0.0.1 also where it was opened as localhost: the names may differ, the port may not.
    scheme, _, asker = origin.decode("latin-1").partition("://")
    return scheme != "http" or not is_own(asker) or _port(asker) != _port(host)


def _port(host: str) -> str:
    return host.rpartition("]")[2].partition(":")[2]


def main() -> None:
    """Run the command; its words are Prefect's."""
    import uvicorn
    from prefect.cli import app as command
    from prefect.settings import PREFECT_SERVER_API_AUTH_STRING

    serve = uvicorn.run

    def run(app: Any, **named: Any) -> None:
        serve(app if PREFECT_SERVER_API_AUTH_STRING.value() else SameMachine(app), **named)

    # Only what is served: the server's own automations ask the application itself, by a name that is no machine's.
    vars(uvicorn)["run"] = run
    collect_apart()
    command()


if __name__ == "__main__":
    main()
