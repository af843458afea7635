"""Who somebody is: the signatures of webhooks that are posted to us, and what lets us into the APIs that we ask."""

from datastream.auth.contract import Credential, Credentials, Post, TokenStore
from datastream.auth.errors import (
    CredentialUnusable,
    SecretsMissing,
    SignatureWrong,
    TokenRefused,
    TokensAway,
    TokenUnanswered,
)
from datastream.auth.opening import credentials_of
from datastream.auth.pem import ends_at, tls
from datastream.auth.standard_webhooks import sign, verify

__all__ = [
    "Credential",
    "CredentialUnusable",
    "Credentials",
    "Post",
    "SecretsMissing",
    "SignatureWrong",
    "TokenRefused",
    "TokenStore",
    "TokenUnanswered",
    "TokensAway",
    "credentials_of",
    "ends_at",
    "sign",
    "tls",
    "verify",
]
