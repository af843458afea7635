"""Credentials that need nobody else: what stands in the block, and tokens that we sign ourselves."""

from base64 import b64encode
from typing import Any, Literal

from datastream.auth.contract import Credential
from datastream.auth.errors import CredentialUnusable
from datastream.auth.pem import mended
from datastream.clock import Clock
from datastream.credentials import ApiKey, Basic, Bearer, Jwt


class Fixed:
    """Always the same."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def current(self) -> Credential:
        return self._credential

    def refused(self, credential: Credential) -> bool:  # noqa: ARG002 - the contract's
        return False


def fixed(auth: Bearer | ApiKey | Basic | None) -> Fixed:
    """Return what stands in the block as it is sent."""
    match auth:
        case None:
            return Fixed(Credential())
        case Bearer():
            return Fixed(bearer(auth.token.get_secret_value()))
        case Basic():
            name, password = auth.username.get_secret_value(), auth.password.get_secret_value()
            login = b64encode(f"{name}:{password}".encode()).decode()
            return Fixed(Credential({"Authorization": f"Basic {login}"}, secrets=(login, password, name)))
        case ApiKey():
            value = auth.value.get_secret_value()
            sent = {auth.name: value}
            return Fixed(
                Credential(sent, secrets=(value,))
                if auth.place == "header"
                else Credential(params=sent, secrets=(value,))
            )


def bearer(token: str, header: str = "Authorization", prefix: str = "Bearer") -> Credential:
    """Return a token as it is sent (RFC 6750, 2.1)."""
    return Credential({header: f"{prefix} {token}".lstrip()}, secrets=(token,))


class Signed:
    """A JWT, signed anew when nine tenths of its life are over, or when it is refused."""

    def __init__(self, auth: Jwt, clock: Clock) -> None:
        self._auth, self._clock = auth, clock
        self._key = _key(auth)
        self._credential = self._sign()

    def current(self) -> Credential:
        if self._clock.now() >= self._renew_at:
            self._credential = self._sign()
        return self._credential

    def refused(self, credential: Credential) -> bool:
        if credential == self._credential:
            self._credential = self._sign()
        return credential != self._credential

    def _sign(self) -> Credential:
        from joserfc import jwt
        from joserfc.errors import JoseError

        auth, now = self._auth, self._clock.now()
        header = {"alg": auth.algorithm} | ({"kid": auth.key_id} if auth.key_id else {})
        claims = {**auth.claims, "iat": int(now.timestamp()), "exp": int((now + auth.lifetime).timestamp())}
        try:
            token = jwt.encode(header, claims, self._key, algorithms=[auth.algorithm])
        except (JoseError, ValueError, TypeError) as error:
            raise CredentialUnusable(
                f"Nothing can be signed by {auth.algorithm} with the key in the API block: {error}. Give the key that "
                "belongs to auth.algorithm, and claims that JSON can hold."
            ) from None
        self._renew_at = now + auth.lifetime * 0.9
        return bearer(token, auth.header, auth.prefix)


_KEYS: dict[str, Literal["oct", "RSA", "EC", "OKP"]] = {"HS": "oct", "RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
"""What an algorithm signs with, by how its name begins (RFC 7518, 3.1; RFC 9864)."""


def _key(auth: Jwt) -> Any:
    from joserfc import jwk

    kind, text = _KEYS[auth.algorithm[:2]], auth.key.get_secret_value()
    try:
        return jwk.import_key(text if kind == "oct" else mended(text), kind)
    except Exception as error:  # noqa: BLE001 - joserfc raises many kinds, and none may show the key
        raise CredentialUnusable(
            f"The key for {auth.algorithm} in the API block cannot be read ({type(error).__name__}). Give a private "
            "key as PEM, without a password; for HS256 to HS512 the shared secret."
        ) from None
