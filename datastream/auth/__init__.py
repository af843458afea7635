"""Who sent it: the signatures of webhooks."""

from datastream.auth.errors import SecretsMissing, SignatureWrong
from datastream.auth.standard_webhooks import sign, verify

__all__ = ["SecretsMissing", "SignatureWrong", "sign", "verify"]
