"""Tells what an S3 said, or did not say, in sentences: by its status and code, never by its words.

s3fs hides the answer behind an OSError whose number depends on the server: a 412 is EEXIST for one and EINVAL for
another. The answer itself is the error's cause.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from datastream.connections import LakeConfig
from datastream.errors import DatastreamError, Permanent, Transient
from datastream.lake.store import LakeUnusable

_EXISTS = 412
_PASSING_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_PASSING_CODES = frozenset({"RequestTimeout", "IncompleteBody", "BadDigest", "XAmzContentSHA256Mismatch"})
"""What comes with a 400 and passes all the same: the body did not arrive whole."""
_REFUSED = frozenset({401, 403})
_WAYS_OUT = {
    "InvalidAccessKeyId": "It does not know the access key: correct DATASTREAM_S3_ACCESS_KEY",
    "SignatureDoesNotMatch": "The secret key does not fit the access key: correct DATASTREAM_S3_SECRET_KEY",
    "RequestTimeTooSkewed": "Set the clock of this machine",
}
_KEYS = "Correct DATASTREAM_S3_ACCESS_KEY and DATASTREAM_S3_SECRET_KEY, or what they are allowed to do in the bucket"


class LakeAway(Transient):
    """The object store does not answer, or cannot now."""


class NoSuchStore(LakeUnusable):
    """Whoever answers does not speak S3."""

    def __init__(self, config: LakeConfig, reason: str) -> None:
        super().__init__(
            f"{config.host} is no S3: {reason}. Correct DATASTREAM_S3_ENDPOINT, or the block data-lake, for the lake "
            f"{config.uri}."
        )


class ObjectExists(Permanent):
    """The object to create is there already."""


class ObjectMissing(Permanent):
    """The object to read is not there."""


@contextmanager
def sentences(config: LakeConfig) -> Iterator[None]:
    """Raise what s3fs raises as one of our errors."""
    import aiohttp
    from botocore import exceptions as botocore
    from s3fs.core import S3_RETRYABLE_ERRORS

    passing = (OSError, botocore.ConnectionError, aiohttp.ClientError, *S3_RETRYABLE_ERRORS)
    try:
        yield
    except (botocore.NoCredentialsError, botocore.PartialCredentialsError) as error:
        raise LakeUnusable(f"The lake {config.uri} needs keys: {error}. {_KEYS}, or the block data-lake.") from error
    except RecursionError as error:  # botocore follows a redirect without an aim for ever
        raise NoSuchStore(config, "it answers with a redirect") from error
    except passing as error:
        response = _response(error)
        if response is None:
            said = str(error) or "it does not answer"
            raise LakeAway(
                f"The lake {config.uri} cannot be reached: {said}. Is the store up, and is DATASTREAM_S3_ENDPOINT, or "
                "the block data-lake, right?"
            ) from error
        raise _answered(config, response) from error
    except botocore.BotoCoreError as error:
        said = " ".join(str(error).split())
        raise LakeUnusable(f"The lake {config.uri} cannot be asked: {said}. Correct DATASTREAM_LAKE_URI.") from error


def _response(error: BaseException | None) -> dict[str, Any] | None:
    """Return the answer that an error was made of; fsspec wraps some of them once more."""
    while error is not None:
        if isinstance(response := getattr(error, "response", None), dict):
            return response
        error = error.__cause__
    return None


def _answered(config: LakeConfig, response: dict[str, Any]) -> DatastreamError:
    status: int = response["ResponseMetadata"]["HTTPStatusCode"]
    code, message = (response["Error"].get(part, "") for part in ("Code", "Message"))
    said = f"{status} {code}: {message.rstrip('.')}"
    if status == _EXISTS:
        return ObjectExists(said)
    if code == "NoSuchKey":
        return ObjectMissing(said)
    if status in _PASSING_STATUS or code in _PASSING_CODES:
        return LakeAway(f"The lake {config.uri} cannot answer now: {said}. It is tried again later.")
    if status not in _REFUSED and (not code or code.isdigit()):  # what botocore makes of an answer that is none of S3's
        return NoSuchStore(config, f"it answered {status} without saying why, as an S3 does")
    return _refused(config, status, code, said)


def _refused(config: LakeConfig, status: int, code: str, said: str) -> LakeUnusable:
    if code == "NoSuchBucket":
        bucket = config.uri.removeprefix("s3://").partition("/")[0]
        return LakeUnusable(
            f"The bucket {bucket!r} of the lake {config.uri} does not exist at {config.host}. Make it, for example "
            f"with 'aws s3 mb s3://{bucket}', or correct DATASTREAM_LAKE_URI."
        )
    way_out = f" {_WAYS_OUT.get(code, _KEYS)}, or the block data-lake." if status in _REFUSED else ""
    return LakeUnusable(f"The store at {config.host} refuses what it is asked at {config.uri}: {said}.{way_out}")
