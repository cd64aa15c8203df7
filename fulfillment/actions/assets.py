"""Putting a product's files into the store, each version on a path of its own."""

from __future__ import annotations

import mimetypes
from pathlib import PurePath
from typing import BinaryIO

from django.core.files import File

from fulfillment import storages
from fulfillment.actions import jobs, stores
from fulfillment.models import Asset
from orders.models import Product
from profiles import bulk
from profiles.actions import audit
from profiles.actors import Actor, Invalid, Refusal


class NotCurrent(Refusal):
    """Another version is given out already."""


class NoFormer(Refusal):
    """No version is left to take its place."""


def add(
    product: Product, content: BinaryIO, *, filename: str, by: Actor, version: str = "", because: str = ""
) -> Asset:
    """Store one file as a version of the product; jobs that waited for it go on. The same bytes change nothing."""
    by.require("map_product")
    suffix = PurePath(filename).suffix.lower().lstrip(".")
    if not suffix:
        raise Invalid(f"{filename} has no ending, so its format is unknown.")
    file = File(content)
    sha256 = storages.checksum(file)
    if not file.size:
        raise Invalid(f"{filename} is empty.")
    current = Asset.objects.filter(product=product, format=suffix, current=True).first()
    if current is not None and current.sha256 == sha256:
        return current
    version = version or _next_version(product, suffix)
    content_type = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    saved = _save(product, version, filename, file, content_type)
    asset = Asset.objects.create(
        organization_id=product.organization_id,
        product=product,
        version=version,
        format=suffix,
        filename=PurePath(filename).name,
        content_type=content_type,
        path=saved.path,
        size=saved.size,
        sha256=saved.checksum,
        in_second=saved.in_second,
    )
    Asset.objects.filter(product=product, format=suffix, current=True).exclude(pk=asset.pk).update(current=False)
    jobs.requeue_for(product.pk)
    audit.record(
        "asset.added",
        by=by,
        subject=asset,
        because=because,
        details={"sku": product.sku, "version": version, "bytes": saved.size},
    )
    return asset


def restore(asset: Asset, content: BinaryIO) -> Asset:
    """Put the same bytes again into every store that lacks them; raises Invalid for other bytes, and StoreFailed."""
    file = File(content)
    if storages.checksum(file) != asset.sha256:
        raise Invalid("These are not the bytes of that version.")
    saved = _save(asset.product, asset.version, asset.filename, file, asset.content_type)
    if saved.in_second != asset.in_second:
        asset.in_second = saved.in_second
        asset.save(update_fields=["in_second"])
    return asset


def withdraw(asset: Asset, *, by: Actor, because: str) -> Asset:
    """Take a version back: the newest one before it is given out again. Raises NotCurrent, NoFormer."""
    by.require("map_product")
    reason = audit.require_reason(because)
    rows = Asset.objects.select_for_update(no_key=True).filter(product=asset.product_id, format=asset.format)
    versions = list(rows.order_by("-created_at", "-pk"))
    asset = next(row for row in versions if row.pk == asset.pk)
    if not asset.current:
        raise NotCurrent(f"Version {asset.version} is not given out: there is nothing to withdraw.")
    former = next((row for row in versions[versions.index(asset) + 1 :] if not row.withdrawn), None)
    if former is None:
        raise NoFormer("There is no version before it: upload a better one instead.")
    asset.current, asset.withdrawn, former.current = False, True, True
    bulk.update(Asset, [asset, former], ["current", "withdrawn"])
    audit.record(
        "asset.withdrawn",
        by=by,
        subject=asset,
        because=reason,
        details={"version": asset.version, "format": asset.format, "former": former.version},
    )
    return former


def _save(product: Product, version: str, filename: str, file: File[bytes], content_type: str) -> storages.Saved:
    """Into every store that is in use; what each said of it is remembered."""
    asked = stores.taking()
    try:
        saved = storages.save_version(
            product.sku,
            version,
            filename,
            file,
            organization=product.organization.slug,
            content_type=content_type,
            stores=asked,
        )
    except storages.StoreFailed as error:
        stores.learn(asked, dict.fromkeys(asked, str(error)))
        raise
    except storages.VersionTaken as error:
        raise Invalid(str(error)) from error
    stores.learn(asked, dict(saved.absent))
    return saved


def _next_version(product: Product, suffix: str) -> str:
    return f"v{Asset.objects.filter(product=product, format=suffix).count() + 1}"
