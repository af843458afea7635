"""What is wrong with who somebody says to be. No message holds a secret, or anything made with one."""

from datastream.errors import Permanent, Transient


class SignatureWrong(Permanent):
    """A post is not signed as it should be; the message names the header and how to send it right."""


class SecretsMissing(Permanent):
    """There are no secrets to check with, and none that were known before may stand in for them."""


class CredentialUnusable(Permanent):
    """A key or a certificate cannot be read, or does not fit."""


class TokenRefused(Permanent):
    """A token was asked for, and the answer holds none."""


class TokenUnanswered(Transient):
    """A token was asked for, and there is no answer yet."""


class TokensAway(Transient):
    """What workers know of tokens cannot be asked for now."""
