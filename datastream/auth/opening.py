"""Makes credentials of what an API's block says."""

from datastream.auth.contract import Credentials, Post, TokenStore
from datastream.auth.endpoint import Endpoint
from datastream.auth.kept import Kept
from datastream.auth.plain import Signed, fixed
from datastream.auth.tokens import Renewed
from datastream.clock import Clock
from datastream.credentials import Auth, ClientCredentials, Jwt, RefreshToken


def credentials_of(auth: Auth | None, post: Post, store: TokenStore | None, clock: Clock) -> Credentials:
    """Return what lets us in. Tokens are shared through `store`, if there is one. Raises CredentialUnusable."""
    match auth:
        case ClientCredentials() | RefreshToken():
            kept = None if store is None else Kept(auth, store)
            fails_open = not isinstance(auth, RefreshToken)
            return Renewed(Endpoint(auth, post, clock).fetch, kept, clock, fails_open=fails_open)
        case Jwt():
            return Signed(auth, clock)
        case _:
            return fixed(auth)
