"""What is inside bundles, however deep they are nested."""

from collections.abc import Iterable

from django.db import connection

from orders.models import Product

# UNION, not UNION ALL: even a circle, which no action lets in, would come to an end.
_INSIDE = """
WITH RECURSIVE inside (bundle_id, component_id) AS (
  SELECT bundle_id, component_id FROM orders_bundleitem WHERE bundle_id = ANY(%s)
  UNION
  SELECT above.bundle_id, below.component_id
    FROM inside above JOIN orders_bundleitem below ON below.bundle_id = above.component_id
)
SELECT bundle_id, component_id FROM inside
"""
# Products that are delivered as files: a bundle is owed as long as it is empty or holds something digital; one of
# services alone is not. Two tables for a WITH RECURSIVE, `kinds` the digital ones.
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


def components(bundle_ids: Iterable[int]) -> dict[int, list[Product]]:
    """The products in each of these bundles, by SKU, bundles within them flattened; two queries, none for no bundle."""
    ids = sorted(set(bundle_ids))
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_INSIDE, [ids])
        pairs = cursor.fetchall()
    products = Product.objects.in_bulk({component for _, component in pairs})
    found: dict[int, list[Product]] = {bundle: [] for bundle in ids}
    for bundle, component in pairs:
        if products[component].kind != Product.Kind.BUNDLE:
            found[bundle].append(products[component])
    return {bundle: sorted(inside, key=lambda product: (product.sku, product.pk)) for bundle, inside in found.items()}


def around(product_id: int) -> set[int]:
    """The product itself and every bundle it is in, directly or through other bundles."""
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, [product_id])
        return {row[0] for row in cursor.fetchall()}
