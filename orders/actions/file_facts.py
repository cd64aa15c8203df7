"""Recording orders that are first known from a file: whole columns at a time, without an object or message a row.

What stands in the database afterwards is what `facts.record` would have written of the same words.
"""

from collections.abc import Sequence

from orders.actions import facts, products
from orders.actions.statements import Said
from orders.files import words
from orders.files.words import Word
from orders.messages import Authority, PaymentStatus
from orders.models import Channel, Import, Line, Order, Payment
from profiles import bulk
from profiles.actions import resolution
from profiles.models import Organization


def record(imported: Import, told: Sequence[tuple[Word, str]]) -> set[int]:
    """Write the orders of these words, their lines and money; returns the orders that have to be settled.

    Each word comes with its digest, which took a while to make.

    The caller holds the locks of their names and has seen that none of them is known. A fixed number of statements.
    """
    if not told:
        return set()
    fresh, digests = zip(*told, strict=True)
    organization, channel = imported.organization, imported.channel
    orders = _orders(imported, fresh, digests, channel, organization)
    _lines(channel, fresh, orders)
    later = _payments(imported, fresh, orders)
    later += [word for word in fresh if word.returned]
    # Facts that came before their order, which somebody else recorded.
    touched = facts.link({}, orders, [channel.pk])
    if later:
        touched |= facts.record(_money_of(imported, later), organization=organization).orders
    return touched.union(orders)


def _orders(
    imported: Import, fresh: Sequence[Word], digests: Sequence[str], channel: Channel, organization: Organization
) -> list[int]:
    region, source, count = channel.region or organization.region, channel.label, len(fresh)
    told = dict(zip(Word._fields, zip(*fresh, strict=True), strict=True))
    found = [resolution.keys_of({"email": w.email, "phone": w.phone}, region=region, source=source) for w in fresh]
    return bulk.insert_columns(
        Order,
        {
            "organization_id": [organization.pk] * count,
            "channel_id": [channel.pk] * count,
            "identifiers": [keys for keys, _, _ in found],
            "email": [email for _, email, _ in found],
            "phone": [phone for _, _, phone in found],
            "external_id": told["external_id"],
            "number": told["number"],
            "currency": told["currency"],
            "total_minor": told["total_minor"],
            "placed_at": told["placed_at"],
            "paid_at": [word.placed_at if word.paid else None for word in fresh],
            "test": [channel.test] * count,
            "channel_status": told["status"],
            "channel_paid": told["paid"],
            "channel_failed": told["failed"],
            "cancelled": told["cancelled"],
            "customer_name": told["name"],
            "email_raw": told["email"],
            "phone_raw": told["phone"],
            "flags": told["flags"],
            "extra": [dict(extra) for extra in told["extra"]],
            "booked": told["booked"],
            "authority": [Authority.FILE.value] * count,
            "version": [imported.version] * count,
            "rank": [word.rank for word in fresh],
            "digest": digests,
            "from_file": [True] * count,
            "quiet": [not imported.mail] * count,
        },
    )


def _lines(channel: Channel, fresh: Sequence[Word], orders: Sequence[int]) -> None:
    parts = [
        (order, position, *part)
        for order, word in zip(orders, fresh, strict=True)
        for position, part in enumerate(word.lines)
    ]
    order_ids, positions, ids, skus, titles, quantities, totals = zip(*parts, strict=True)
    listings = [words.listing_ids(sku, title) for sku, title in zip(skus, titles, strict=True)]
    sold = [products.Sold(channel.kind, listed, sku) for sku, listed in zip(skus, listings, strict=True)]
    bulk.insert_columns(
        Line,
        {
            "organization_id": [channel.organization_id] * len(parts),
            "order_id": order_ids,
            "product_id": [product.pk if product else None for product in products.known(sold)],
            "external_id": ids,
            "position": positions,
            "sku": skus,
            "title": titles,
            "quantity": quantities,
            "total_minor": totals,
            "listing_ids": listings,
        },
    )


def _payments(imported: Import, fresh: Sequence[Word], orders: Sequence[int]) -> list[Word]:
    """Write what was paid; returns all words if a payment of one of them was known before its order was."""
    pairs = [(order, word) for order, word in zip(orders, fresh, strict=True) if word.pays]
    if not pairs:
        return []
    count, channel = len(pairs), imported.channel
    ids = [word.payment_id for _, word in pairs]
    written = bulk.insert_columns(
        Payment,
        {
            "organization_id": [imported.organization_id] * count,
            "channel_id": [channel.pk] * count,
            "external_id": ids,
            "payment_reference": ids,
            "order_id": [order for order, _ in pairs],
            "order_external_id": [word.external_id for _, word in pairs],
            "amount_minor": [word.total_minor for _, word in pairs],
            "currency": [word.currency for _, word in pairs],
            "at": [word.placed_at for _, word in pairs],
            "test": [channel.test] * count,
            "version": [imported.version] * count,
            "rank": [word.rank for _, word in pairs],
            "digest": [word.payment_digest for _, word in pairs],
            "status": [PaymentStatus.CAPTURED.value] * count,
            "fee_minor": [word.fee_minor for _, word in pairs],
        },
        ignore_conflicts=True,
    )
    # Those just written are the newest word of themselves, and stay.
    return [] if len(written) == count else [word for _, word in pairs]


def _money_of(imported: Import, later: Sequence[Word]) -> list[Said]:
    told = [words.tell(word, version=imported.version, quiet=not imported.mail) for word in later]
    return [Said(imported.channel, message) for one in told for message in (one.payment, one.refund) if message]
