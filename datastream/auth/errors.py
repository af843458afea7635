"""What is wrong with who somebody says to be. No message holds a secret, or anything made with one."""

from datastream.errors import Permanent


class SignatureWrong(Permanent):
    """A post is not signed as it should be; the message names the header and how to send it right."""


class SecretsMissing(Permanent):
    """There are no secrets to check with, and none that were known before may stand in for them."""
