"""The file store behind the S3 protocol (AWS, Supabase, MinIO …): bounded waits, private objects, signed addresses."""

from __future__ import annotations

from typing import Any, Final

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from django.core.exceptions import SuspiciousOperation
from django.core.files import File
from storages.backends.s3 import S3Storage

from fulfillment.providers.findings import Finding, Found, Missing, StoreFailed, Stream, Unreachable

CHECKSUM: Final = "sha256"
FAILURES: Final = (BotoCoreError, ClientError, Boto3Error, OSError)
# A store that is down must cost a download page seconds, not the library's minutes of retries; and checksums that
# the library adds of itself are refused by several stores that are not Amazon's.
BOUNDS: Final = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"total_max_attempts": 2, "mode": "standard"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
# A look is what a person waits for: asked once, and not for long, because the other store may be asked instead.
LOOKS: Final = Config(read_timeout=5, retries={"total_max_attempts": 1, "mode": "standard"})


class Bucket(S3Storage):
    """django-storages' backend within `BOUNDS`; what the options say of the client goes before them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.client_config = BOUNDS.merge(self.client_config)  # type: ignore[has-type]
        self._looking: Any = None

    @property
    def looking(self) -> Any:
        """The client that only looks; clients may be shared by threads."""
        if self._looking is None:
            self._looking = self._create_session().client(
                "s3",
                region_name=self.region_name,
                use_ssl=self.use_ssl,
                endpoint_url=self.endpoint_url,
                config=self.client_config.merge(LOOKS),
                verify=self.verify,
            )
        return self._looking


def look(storage: S3Storage, path: str) -> Finding:
    """Size, and the checksum that was stored with the file, by one HEAD request."""
    try:
        client = storage.looking if isinstance(storage, Bucket) else _client(storage)
        answer = client.head_object(Bucket=storage.bucket_name, Key=_key(storage, path))
    except (SuspiciousOperation, ParamValidationError):
        return Missing()
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return Missing() if status == 404 else Unreachable(f"it answered {status or 'nothing that can be read'}.")
    except FAILURES as error:
        return Unreachable(f"it cannot be reached ({type(error).__name__}).")
    return Found(int(answer["ContentLength"]), answer.get("Metadata", {}).get(CHECKSUM), answer.get("ETag"))


def put(storage: S3Storage, path: str, content: File[bytes], *, content_type: str, checksum: str) -> None:
    """Upload the file with its checksum beside it; an object appears whole or not at all. Raises StoreFailed."""
    extra = {**storage.get_object_parameters(path), "ContentType": content_type, "Metadata": {CHECKSUM: checksum}}
    try:
        target = storage.bucket.Object(_key(storage, path))
        target.upload_fileobj(_Unclosed(content), ExtraArgs=extra, Config=storage.transfer_config)
    except FAILURES as error:
        raise StoreFailed(f"The file could not be written to the file store ({type(error).__name__}).") from error


def read(storage: S3Storage, path: str, *, start: int, stop: int) -> Stream:
    """The bytes from `start` up to `stop`; raises StoreFailed before the first of them."""
    span = {"Range": f"bytes={start}-{stop - 1}"} if stop > start else {}
    try:
        answer = _client(storage).get_object(Bucket=storage.bucket_name, Key=_key(storage, path), **span)
    except (*FAILURES, SuspiciousOperation) as error:
        raise StoreFailed(f"The file cannot be read from the file store ({type(error).__name__}).") from error
    return Stream(answer["Body"], stop - start)


def address(storage: S3Storage, path: str, *, disposition: str, content_type: str, seconds: int) -> str | None:
    """A signed address of the file, made without asking the store.

    None where the bucket is served unsigned (a custom domain without a signer): such an address would never expire.
    """
    if not storage.querystring_auth or (storage.custom_domain and storage.cloudfront_signer is None):
        return None
    shown = {"ResponseContentDisposition": disposition, "ResponseContentType": content_type}
    return str(storage.url(path, parameters=shown, expire=seconds))


class _Unclosed:
    """The content under another name, since the upload closes what it is given and the second store needs it too."""

    def __init__(self, content: File[bytes]) -> None:
        self._content = content

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


def _client(storage: S3Storage) -> Any:
    return storage.connection.meta.client


def _key(storage: S3Storage, path: str) -> str:
    return str(storage._normalize_name(path))
