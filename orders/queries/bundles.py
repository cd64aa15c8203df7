"""What is inside bundles, however deep they are nested."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from orders.models import Product

# UNION, not UNION ALL: even a circle, which no action lets in, would come to an end.
_PATHS = """
  SELECT bundle_id, component_id, created_at AS since FROM orders_bundleitem {of}
  UNION
  SELECT above.bundle_id, below.component_id, greatest(above.since, below.created_at)
    FROM path above JOIN orders_bundleitem below ON below.bundle_id = above.component_id
"""
_INSIDE = f"""
WITH RECURSIVE path (bundle_id, component_id, since) AS ({_PATHS.format(of="WHERE bundle_id = ANY(%s)")})
SELECT bundle_id, component_id, min(since) FROM path GROUP BY bundle_id, component_id
"""
# What each bundle holds of products of these `kinds`, and since when, for a WITH RECURSIVE.
PARTS = f"""path (bundle_id, component_id, since) AS ({_PATHS.format(of="")}), parts (bundle_id, part_id, since) AS (
  SELECT bundle_id, component_id, min(since) FROM path
   WHERE component_id IN (SELECT id FROM orders_product WHERE kind = ANY(%(kinds)s)) GROUP BY bundle_id, component_id
)"""
# Products that bring their buyer something of these `kinds`: a bundle does as long as it is empty or holds such a
# product. Two tables for a WITH RECURSIVE.
OWED = """inside (bundle_id, component_id) AS (
  SELECT bundle_id, component_id FROM orders_bundleitem
  UNION
  SELECT above.bundle_id, below.component_id
    FROM inside above JOIN orders_bundleitem below ON below.bundle_id = above.component_id
), owed (id) AS (
  SELECT id FROM orders_product WHERE kind = ANY(%(kinds)s)
  UNION
  SELECT p.id FROM orders_product p WHERE p.kind = 'bundle'
     AND (NOT EXISTS (SELECT FROM inside i WHERE i.bundle_id = p.id)
          OR EXISTS (SELECT FROM inside i JOIN orders_product c ON c.id = i.component_id
                      WHERE i.bundle_id = p.id AND c.kind = ANY(%(kinds)s)))
)"""
_AROUND = """
WITH RECURSIVE around (bundle_id) AS (
  SELECT %s::bigint
  UNION
  SELECT above.bundle_id FROM around JOIN orders_bundleitem above ON above.component_id = around.bundle_id
)
SELECT bundle_id FROM around
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A product inside a bundle, and since when it has been in it, directly or through bundles within."""

    product: Product
    since: datetime


def parts(bundle_ids: Iterable[int]) -> dict[int, list[Part]]:
    """What is in each of these bundles, by SKU, bundles within them flattened; two queries, none for no bundle."""
    ids = sorted(set(bundle_ids))
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_INSIDE, [ids])
        rows = cursor.fetchall()
    products = Product.objects.in_bulk({component for _, component, _ in rows})
    found: dict[int, list[Part]] = {bundle: [] for bundle in ids}
    for bundle, component, since in rows:
        if products[component].kind != Product.Kind.BUNDLE:
            found[bundle].append(Part(products[component], since))
    return {
        bundle: sorted(inside, key=lambda part: (part.product.sku, part.product.pk)) for bundle, inside in found.items()
    }


def components(bundle_ids: Iterable[int]) -> dict[int, list[Product]]:
    """The products in each of these bundles, as `parts` has them."""
    return {bundle: [part.product for part in inside] for bundle, inside in parts(bundle_ids).items()}


def around(product_id: int) -> set[int]:
    """The product itself and every bundle it is in, directly or through other bundles."""
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, [product_id])
        return {row[0] for row in cursor.fetchall()}
