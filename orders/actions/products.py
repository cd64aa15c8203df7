"""The catalogue: products, the names channels have for them, and the mapping of order lines."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from orders import money
from orders.models import Channel, Line, Listing, Order, Product
from profiles import bulk
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid
from profiles.models import Organization
from profiles.prepared_queries import PreparedQuery

_LINES = PreparedQuery(
    lambda orders: (
        Line.objects.filter(order__in=orders, removed=False).select_related("product").order_by("order_id", "position")
    )
)
_LISTINGS = PreparedQuery(
    lambda kinds, ids: Listing.objects.filter(kind__in=kinds, external_id__in=ids).select_related("product")
)
_NAMED = PreparedQuery(lambda skus: Product.objects.filter(sku__in=skus))


def add(
    *,
    organization: Organization,
    sku: str,
    title: str,
    kind: str,
    price: str | None,
    currency: str,
    listings: Iterable[tuple[str, str]] = (),
    by: Actor,
    because: str = "",
) -> Product:
    """Make or update the product of this SKU and add its listings; lines that waited for it are settled."""
    by.require("map_product")
    if kind not in Product.Kind.values:
        raise Invalid(f"{kind} is no kind of product; choose one of {', '.join(Product.Kind.values)}.")
    if not sku.strip():
        raise Invalid("A product needs a SKU.")
    product, created = Product.objects.update_or_create(
        organization=organization,
        sku=sku.strip(),
        defaults={
            "title": title,
            "kind": kind,
            "currency": currency,
            "price_minor": money.to_minor(price, currency) if price is not None else None,
        },
    )
    for channel_kind, external_id in listings:
        Listing.objects.update_or_create(
            organization=organization, kind=channel_kind, external_id=external_id, defaults={"product": product}
        )
    audit.record(
        "product.added" if created else "product.changed",
        by=by,
        subject=product,
        because=because,
        details={"sku": product.sku},
    )
    settle_waiting(product)
    return product


def add_listing(product: Product, *, kind: str, external_id: str, by: Actor, because: str) -> Listing:
    """Say what a kind of channel calls this product; lines that waited for it are settled."""
    by.require("map_product")
    reason = audit.require_reason(because)
    external_id = external_id.strip()
    if kind not in Channel.Kind.values:
        raise Invalid(f"{kind} is no kind of channel; choose one of {', '.join(Channel.Kind.values)}.")
    if not external_id:
        raise Invalid("A listing needs the channel's own id.")
    known = Listing.objects.filter(kind=kind, external_id=external_id).select_related("product").first()
    if known is not None:
        raise Invalid(f"{external_id} is listed already, as {known.product.sku}.")
    listing = Listing.objects.create(
        organization_id=product.organization_id, kind=kind, external_id=external_id, product=product
    )
    audit.record(
        "product.listed",
        by=by,
        subject=product,
        because=reason,
        details={"sku": product.sku, "kind": kind, "external_id": external_id},
    )
    settle_waiting(product)
    return listing


def map_lines(*, product: Product, sku: str, title: str, by: Actor, because: str) -> int:
    """Say which product the unmapped lines of this SKU and title are; returns how many orders will be fulfilled."""
    by.require("map_product")
    reason = audit.require_reason(because)
    waiting = Line.objects.filter(product__isnull=True, removed=False, sku=sku, title=title)
    # Not as objects: what a first import brought may be a hundred thousand lines of one product.
    lines = list(waiting.values_list("pk", "order_id", "order__channel__kind", "listing_ids"))
    names = {(kind, listing_ids[0]) for *_, kind, listing_ids in lines if listing_ids}
    orders = {order_id for _, order_id, *_ in lines}
    for kind, external_id in sorted(names):
        Listing.objects.update_or_create(
            organization_id=product.organization_id, kind=kind, external_id=external_id, defaults={"product": product}
        )
    Line.objects.filter(pk__in=[pk for pk, *_ in lines]).update(product=product)
    settlement.request(product.organization_id, orders=orders)
    audit.record(
        "product.mapped",
        by=by,
        subject=product,
        because=reason,
        details={"sku": sku, "title": title, "orders": len(orders)},
    )
    return len(orders)


def settle_waiting(product: Product) -> None:
    """Have the orders settled whose unmapped lines this product's SKU or listings name."""
    unmapped = Line.objects.filter(product__isnull=True, removed=False)
    orders = set(unmapped.filter(sku=product.sku).values_list("order_id", flat=True))
    for external_id in product.listings.values_list("external_id", flat=True):
        orders |= set(unmapped.filter(listing_ids__contains=[external_id]).values_list("order_id", flat=True))
    settlement.request(product.organization_id, orders=orders, wake_worker=bool(orders))


def settle(orders: Sequence[Order]) -> list[Line]:
    """Map the unmapped lines of these orders; returns all lines still on the orders."""
    kinds = {order.pk: order.channel.kind for order in orders}
    lines = _LINES(kinds)
    waiting = [line for line in lines if line.product_id is None]
    mapped = []
    for line, product in zip(waiting, known([Sold.of(line, kinds[line.order_id]) for line in waiting]), strict=True):
        if product is not None:
            line.product = product
            mapped.append(line)
    bulk.update(Line, mapped, ["product"])
    return lines


class Sold(NamedTuple):
    """What a shop calls a thing it sold: its own ids, and the SKU."""

    kind: str
    listing_ids: Sequence[str]
    sku: str

    @classmethod
    def of(cls, line: Line, kind: str) -> "Sold":
        return cls(kind, line.listing_ids, line.sku)


def known(sold: Sequence[Sold]) -> list[Product | None]:
    """What the catalogue has for each of them, a listing before a SKU; two queries, none for nothing."""
    if not sold:
        return []
    ids = {external_id for one in sold for external_id in one.listing_ids}
    listed = {(row.kind, row.external_id): row.product for row in _LISTINGS({one.kind for one in sold}, ids)}
    named = {product.sku: product for product in _NAMED({one.sku for one in sold if one.sku})}

    def found(one: Sold) -> Product | None:
        by_listing = (listed[key] for listing in one.listing_ids if (key := (one.kind, listing)) in listed)
        return next(by_listing, None) or named.get(one.sku)

    return [found(one) for one in sold]
