"""Where assets are kept: a bucket over the S3 protocol, or a folder that only we read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def bucket(name: str, endpoint: str, region: str, key: str, secret: str) -> dict[str, Any]:
    """An entry of STORAGES. Links live for a minute, because ours stand in front; nothing is overwritten or public."""
    return {
        "BACKEND": "fulfillment.providers.s3.Bucket",
        "OPTIONS": {
            "bucket_name": name,
            "endpoint_url": endpoint or None,
            "region_name": region,
            "access_key": key or None,
            "secret_key": secret or None,
            # Named, because the library still signs the old way in some regions.
            "signature_version": "s3v4",
            "addressing_style": "path" if endpoint else "auto",
            "querystring_expire": 60,
            "file_overwrite": False,
            "default_acl": None,
        },
    }


def folder(location: Path) -> dict[str, Any]:
    """An entry of STORAGES for local files; made now, so that a folder gone later is noticed as an outage."""
    location.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {"location": location, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
    return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}


def origins(values: Mapping[str, Any]) -> list[str]:
    """Where a download may lead to, outside this server: the hosts of the configured buckets."""
    found = []
    for bucket_name, endpoint, region in (
        ("AWS_STORAGE_BUCKET_NAME", "AWS_S3_ENDPOINT_URL", "AWS_S3_REGION_NAME"),
        ("STORAGE_SECOND_BUCKET_NAME", "STORAGE_SECOND_ENDPOINT_URL", "STORAGE_SECOND_REGION_NAME"),
    ):
        if name := values[bucket_name]:
            if values[endpoint]:
                parts = urlsplit(values[endpoint])
                found.append(f"{parts.scheme}://{parts.netloc}")
            else:
                found += [f"https://{name}.s3.amazonaws.com", f"https://{name}.s3.{values[region]}.amazonaws.com"]
    return found
