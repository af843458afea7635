"""An OAuth server for tests, and an API that only its tokens open, on a port of their own."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from datastream.connections import ApiConfig
from datastream.credentials import ClientCredentials, RefreshToken
from tests.fake_api import LOCAL, FakeApi, Response, ok
from tests.servers import PatientHandler, PatientServer

CLIENT, SECRET = "the-client", "cl13nt-s3cr3t"
Form = dict[str, str]


@dataclass
class Login:
    """Gives tokens, each of which opens the API until `forget` or the next one."""

    api: FakeApi = field(default_factory=FakeApi)
    more: dict[str, Any] = field(default_factory=lambda: {"expires_in": 3600})
    """What it says besides the token."""
    rotates: bool = False
    fault: Callable[[Form], Response | None] | None = None
    """May answer instead of it."""
    refresh: str = "r3fresh-0"
    """The one refresh token that is good now."""
    valid: set[str] = field(default_factory=set)
    asked: list[Form] = field(default_factory=list)
    sent: list[dict[str, str]] = field(default_factory=list)
    """The headers of each question to the API."""
    gate: threading.Event = field(default_factory=threading.Event)
    """While it is not set, whoever asks for a token waits."""
    given: int = 0
    url: str = ""

    def __post_init__(self) -> None:
        self.gate.set()

    def config(self, auth: Any, **fields: Any) -> ApiConfig:
        return ApiConfig(base_url=self.url, auth=auth, private_networks=LOCAL, **fields)

    def client_credentials(self, **fields: Any) -> ClientCredentials:
        known = {"token_url": f"{self.url}/token", "client_id": CLIENT, "client_secret": SECRET}
        return ClientCredentials.model_validate(known | fields)

    def refresh_token(self, **fields: Any) -> RefreshToken:
        known = {"token_url": f"{self.url}/token", "client_id": CLIENT, "client_secret": SECRET}
        return RefreshToken.model_validate({**known, "refresh_token": "r3fresh-0", **fields})

    def token(self, headers: dict[str, str], body: bytes) -> Response:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        scheme, _, login = headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            form["login"] = base64.b64decode(login).decode()
        self.asked.append(form)
        self.gate.wait(30)
        if self.fault is not None and (response := self.fault(form)) is not None:
            return response
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh:
            return 400, {}, b'{"error": "invalid_grant", "error_description": "it was replaced"}'
        self.given += 1
        said = {"access_token": f"acc3ss-{self.given}", "token_type": "Bearer", **self.more}
        if self.rotates and form["grant_type"] == "refresh_token":
            self.refresh = said["refresh_token"] = f"r3fresh-{self.given}"
        self.valid = {said["access_token"]}
        return ok(said)

    def answer(self, target: str, headers: dict[str, str]) -> Response:
        self.sent.append(headers)
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.valid:
            return 401, {}, json.dumps({"error": "who is this?", "sent": headers}).encode()
        return self.api.answer("GET", target, headers, b"")


@contextmanager
def logging_in(login: Login) -> Iterator[Login]:
    class Handler(PatientHandler):
        def do_GET(self) -> None:  # noqa: N802 - the name is the library's
            self._say(login.answer(self.path, self._headers))

        def do_POST(self) -> None:  # noqa: N802 - the name is the library's
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._say(login.token(self._headers, body))

        @property
        def _headers(self) -> dict[str, str]:
            return {name.lower(): value for name, value in self.headers.items()}

        def _say(self, response: Response) -> None:
            status, headers, body = response
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    with PatientServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        login.url = login.api.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield login
        finally:
            login.gate.set()
            server.shutdown()
            thread.join()
