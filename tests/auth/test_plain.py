"""What lets us in goes out with each request as its kind says, and into nothing else."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwk, jwt

from datastream.auth import CredentialUnusable
from datastream.clock import ManualClock
from datastream.sources.client import open_api
from datastream.sources.request import Request
from tests.auth.login import Login

SHARED = "a-shared-s3cret-of-more-than-32-bytes-that-is-long-enough-for-sha-512!!"


def pem(key: Any) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


RSA = pem(rsa.generate_private_key(65537, 2048))
KEYS = {
    **dict.fromkeys(("HS256", "HS384", "HS512"), (SHARED, "oct")),
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), (RSA, "RSA")),
    "ES256": (pem(ec.generate_private_key(ec.SECP256R1())), "EC"),
    "ES384": (pem(ec.generate_private_key(ec.SECP384R1())), "EC"),
    "ES512": (pem(ec.generate_private_key(ec.SECP521R1())), "EC"),
    "Ed25519": (pem(ed25519.Ed25519PrivateKey.generate()), "OKP"),
}


@pytest.fixture
def sent(login: Login) -> Callable[..., tuple[str, dict[str, str]]]:
    """Ask an API that lets everybody in, and return the address and headers that arrived."""

    def ask(auth: Any, path: str = "/numbered", clock: ManualClock | None = None, **fields: Any) -> Any:
        login.answer = lambda target, headers: (
            login.sent.append((target, headers)),
            login.api.answer("GET", target, headers, b""),
        )[1]
        with open_api(login.config(auth, **fields), clock) as client:
            client.ask(Request(f"{login.url}{path}"))
        return login.sent[-1]

    return ask


LOGIN = b64encode("me:pä:ss".encode()).decode()


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "bearer", "token": "t0ken"}, "authorization", "Bearer t0ken"),
        ({"kind": "api_key", "name": "X-Key", "value": "k3y"}, "x-key", "k3y"),
        ({"kind": "basic", "username": "me", "password": "pä:ss"}, "authorization", f"Basic {LOGIN}"),
        ({"kind": "basic", "username": "k3y"}, "authorization", f"Basic {b64encode(b'k3y:').decode()}"),
    ],
)
def test_a_kind_is_sent_in_its_header(sent: Any, auth: dict[str, str], header: str, value: str) -> None:
    target, headers = sent(auth, headers={"AUTHORIZATION": "of the block", "Other": "kept"})
    assert (target, headers[header], headers["other"]) == ("/numbered", value, "kept")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/x", "/x?key=a%26b"),
        ("/x?page=2&q=a%20b+c&e", "/x?page=2&q=a%20b+c&e&key=a%26b"),
        ("/x?key=old&page=2&k%65y=older", "/x?page=2&key=a%26b"),
    ],
)
def test_a_key_in_the_query_is_sent_once(sent: Any, path: str, target: str) -> None:
    assert sent({"kind": "api_key", "name": "key", "place": "query", "value": "a&b"}, path)[0] == target


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_jwt_is_signed_by_each_algorithm(sent: Any, clock: ManualClock, algorithm: str) -> None:
    key, kind = KEYS[algorithm]
    claims = {"iss": "me", "aud": ["a", "b"], "admin": True}
    auth = {"kind": "jwt", "algorithm": algorithm, "key": key, "key_id": "k1", "claims": claims, "lifetime": "PT1M"}
    scheme, _, token = sent(auth, clock=clock)[1]["authorization"].partition(" ")
    read = jwt.decode(token, jwk.import_key(key, kind), algorithms=[algorithm])
    now = int(clock.now().timestamp())
    assert scheme == "Bearer"
    assert read.header == {"typ": "JWT", "alg": algorithm, "kid": "k1"}
    assert read.claims == {**claims, "iat": now, "exp": now + 60}


def test_a_jwt_stands_where_the_api_wants_it(sent: Any) -> None:
    auth = {"kind": "jwt", "algorithm": "HS256", "key": SHARED, "header": "X-Token", "prefix": ""}
    assert sent(auth)[1]["x-token"].count(".") == 2


def test_a_jwt_is_signed_anew_before_it_ends_and_when_it_is_refused(login: Login, clock: ManualClock) -> None:
    auth = {"kind": "jwt", "algorithm": "HS256", "key": SHARED, "lifetime": "PT100S"}
    with open_api(login.config(auth), clock) as client:
        credentials = client._credentials
        first = credentials.current()
        clock.advance(timedelta(seconds=89))
        assert credentials.current() == first
        clock.advance(timedelta(seconds=1))
        second = credentials.current()
        assert second != first
        assert credentials.refused(first)
        assert credentials.current() == second, "what was refused is not in use any more"
        clock.advance(timedelta(seconds=1))
        assert credentials.refused(second)
        assert credentials.current() != second


@pytest.mark.parametrize("instead", ["", " ", "\\n", "\r\n"])
def test_a_key_whose_line_breaks_were_lost_is_the_same_key(sent: Any, instead: str) -> None:
    pasted = RSA.replace("\n", instead)
    token = sent({"kind": "jwt", "algorithm": "RS256", "key": pasted})[1]["authorization"].removeprefix("Bearer ")
    assert jwt.decode(token, jwk.import_key(RSA, "RSA"), algorithms=["RS256"])


@pytest.mark.parametrize(
    ("algorithm", "key", "claims", "said"),
    [
        ("RS256", "s3cret-no-key", {}, "key for RS256 in the API block cannot be read"),
        ("RS256", KEYS["ES256"][0], {}, "key for RS256 in the API block cannot be read"),
        ("ES256", KEYS["ES384"][0], {}, "Nothing can be signed by ES256"),
        ("HS256", SHARED, {"x": {1, 2}}, "claims that JSON can hold"),
    ],
)
def test_a_key_that_does_not_fit_is_told_and_not_shown(
    login: Login, algorithm: str, key: str, claims: Any, said: str
) -> None:
    auth = {"kind": "jwt", "algorithm": algorithm, "key": key, "claims": claims}
    with pytest.raises(CredentialUnusable, match=said) as told, open_api(login.config(auth)):
        pass
    assert key[:60] not in repr(told.value)


@pytest.mark.parametrize("auth", [None, {"kind": "bearer", "token": "t0ken"}, {"kind": "basic", "username": "me"}])
def test_what_cannot_be_renewed_is_sent_once(login: Login, auth: Any) -> None:
    with open_api(login.config(auth)) as client, pytest.raises(Exception, match="answered 401"):
        client.ask(Request(f"{login.url}/numbered"))
    assert len(login.sent) == 1
