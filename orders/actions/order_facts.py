"""Recording what is said of orders: of two words about one order the greater version stands."""

from collections.abc import Mapping, Sequence

from django.db.models import Q

from orders.actions import products
from orders.actions.statements import Said, digest
from orders.messages import FROM_FILE, Authority, OrderMessage
from orders.models import Channel, Line, Order, Payment, Refund
from profiles import bulk
from profiles.actions import resolution
from profiles.models import Organization
from profiles.prepared_queries import PreparedQuery

ORDER_FIELDS = [
    "external_id",
    "number",
    "currency",
    "total_minor",
    "discount_minor",
    "tax_minor",
    "shipping_minor",
    "presentment_currency",
    "presentment_total_minor",
    "placed_at",
    "paid_at",
    "test",
    "channel_status",
    "channel_paid",
    "channel_failed",
    "cancelled",
    "payment_reference",
    "charge_reference",
    "customer_name",
    "email_raw",
    "phone_raw",
    "email",
    "phone",
    "region",
    "locale",
    "address",
    "verified_account",
    "conversation_hint",
    "flags",
    "extra",
    "booked",
    "authority",
    "version",
    "rank",
    "digest",
    "identifiers",
]
LINE_FIELDS = ["position", "sku", "title", "quantity", "total_minor", "listing_ids", "removed"]
_KNOWN = PreparedQuery(
    lambda ids, channels: (
        Order.objects.select_for_update(no_key=True).filter(external_id__in=ids, channel__in=channels).order_by("pk")
    )
)
_KNOWN_TOO = PreparedQuery(
    lambda ids, payments, channels: (
        Order.objects.select_for_update(no_key=True)
        .filter(Q(external_id__in=ids) | Q(payment_reference__in=payments), channel__in=channels)
        .order_by("pk")
    )
)


def record(said: Sequence[Said], organization: Organization) -> tuple[list[Order], set[int], set[int]]:
    """The orders written, those that lost a refund, and which messages (by identity) were the newest word."""
    newest = _newest_orders(said)
    if not newest:
        return [], set(), set()
    known = _known_orders(newest)
    fresh: list[Order] = []
    changed: list[Order] = []
    messages: dict[int, OrderMessage] = {}
    overruled: list[int] = []
    for s in newest:
        assert isinstance(s.message, OrderMessage)
        order = _find(s, known)
        if order is not None and _version(order) >= _said_version(s.message):
            continue
        row = order or _first_known(s.message, s.channel, organization)
        if row.authority == Authority.FILE and s.message.authority != Authority.FILE:
            overruled.append(row.pk)
        _describe(row, s.message, organization)
        (changed if order else fresh).append(row)
        messages[id(row)] = s.message
    bulk.insert(Order, fresh)
    bulk.update(Order, changed, ORDER_FIELDS)
    _record_lines([(row, messages[id(row)]) for row in fresh], [(row, messages[id(row)]) for row in changed])
    voided = _void_unlisted([(row, messages[id(row)]) for row in changed])
    _void_told_by_files(overruled)
    return [*fresh, *changed], voided, {id(message) for message in messages.values()}


def _newest_orders(said: Sequence[Said]) -> list[Said]:
    """The newest message about each order of the batch; a payment's word gives way to its checkout's."""
    newest: dict[tuple[int, str], Said] = {}
    for s in said:
        assert isinstance(s.message, OrderMessage)
        key = (s.channel.pk, s.message.external_id)
        if key not in newest or _said_version(newest[key].message) < _said_version(s.message):  # type: ignore[arg-type]
            newest[key] = s
    spoken_for = {
        (channel_id, s.message.payment_reference)
        for (channel_id, _), s in newest.items()
        if isinstance(s.message, OrderMessage) and s.message.authority == Authority.ORDER
    }
    return [
        s
        for key, s in newest.items()
        if not (isinstance(s.message, OrderMessage) and s.message.authority == Authority.PAYMENT and key in spoken_for)
    ]


def _said_version(message: OrderMessage) -> tuple[str, object, int, str]:
    return (message.authority.value, message.version, message.rank, digest(message))


def _version(order: Order) -> tuple[str, object, int, str]:
    return (order.authority, order.version, order.rank, order.digest)


def _known_orders(newest: Sequence[Said]) -> dict[tuple[int, str], Order]:
    channels = {s.channel.pk for s in newest}
    ids = {s.message.external_id for s in newest}
    payments = {s.message.payment_reference for s in newest if s.message.payment_reference}  # type: ignore[union-attr]
    payments |= {s.message.external_id for s in newest if s.message.authority == Authority.PAYMENT}  # type: ignore[union-attr]
    rows = _KNOWN_TOO(ids, payments, channels) if payments else _KNOWN(ids, channels)
    known: dict[tuple[int, str], Order] = {}
    for order in rows:
        if order.payment_reference:
            known.setdefault((order.channel_id, order.payment_reference), order)
    for order in rows:
        known[order.channel_id, order.external_id] = order
    return known


def _find(s: Said, known: Mapping[tuple[int, str], Order]) -> Order | None:
    message = s.message
    assert isinstance(message, OrderMessage)
    if order := known.get((s.channel.pk, message.external_id)):
        return order
    # A payment that came before its checkout was an order of its own until now: the checkout gives it its name.
    return known.get((s.channel.pk, message.payment_reference)) if message.payment_reference else None


def _first_known(message: OrderMessage, channel: Channel, organization: Organization) -> Order:
    """A new order, with what is said of it once and for all."""
    from_file = message.authority == Authority.FILE
    return Order(organization=organization, channel=channel, from_file=from_file, quiet=message.quiet)


def _describe(row: Order, message: OrderMessage, organization: Organization) -> None:
    customer = message.customer
    region = customer.region or row.channel.region or organization.region
    fields = {
        "email": customer.email,
        "phone": customer.phone,
        "loyalty_id": customer.loyalty_id,
        "device_id": customer.device_id,
        "cookie_id": customer.cookie_id,
        **dict(customer.others),
    }
    row.identifiers, row.email, row.phone = resolution.keys_of(fields, region=region, source=row.channel.label)
    row.external_id = message.external_id
    row.number = message.number[:100]
    row.currency = message.currency
    row.total_minor = message.total_minor
    row.discount_minor, row.tax_minor = message.discount_minor, message.tax_minor
    row.shipping_minor = message.shipping_minor
    row.presentment_currency = message.presentment_currency
    row.presentment_total_minor = message.presentment_total_minor
    row.placed_at, row.paid_at = message.placed_at, message.paid_at
    row.test = message.test or row.channel.test
    row.channel_status = message.status.value
    row.channel_paid, row.channel_failed = message.paid, message.payment_failed
    row.cancelled = message.cancelled
    row.payment_reference, row.charge_reference = message.payment_reference, message.charge_reference
    if message.authority == Authority.PAYMENT:
        row.payment_reference = message.external_id
    row.customer_name = customer.name[:300]
    row.email_raw, row.phone_raw = customer.email[:400], customer.phone[:200]
    row.region, row.address = customer.region[:2], customer.address.facts()
    row.locale = customer.locale[:40]
    row.verified_account = customer.verified_account
    row.conversation_hint = message.conversation_hint[:255]
    row.flags = list(message.flags)
    row.extra = dict(message.extra_facts)
    row.booked = message.booked
    row.authority, row.version, row.rank = message.authority.value, message.version, message.rank
    row.digest = digest(message)


def _record_lines(fresh: Sequence[tuple[Order, OrderMessage]], changed: Sequence[tuple[Order, OrderMessage]]) -> None:
    new: list[Line] = [line for order, message in fresh for line in _lines(order, message)]
    # What the catalogue has is written with the line rather than over it; `settle` maps the others.
    sold = [products.Sold.of(line, line.order.channel.kind) for line in new]
    for line, product in zip(new, products.known(sold), strict=True):
        line.product = product
    kept: list[Line] = []
    if changed:
        by_order: dict[int, dict[str, Line]] = {order.pk: {} for order, _ in changed}
        for line in Line.objects.filter(order__in=list(by_order)):
            by_order[line.order_id][line.external_id] = line
        for order, message in changed:
            former = by_order[order.pk]
            for line in _lines(order, message):
                if old := former.pop(line.external_id, None):
                    line.pk, line.product_id = old.pk, old.product_id
                    kept.append(line)
                else:
                    new.append(line)
            for line in former.values():
                line.removed = True
                kept.append(line)
    bulk.insert(Line, new)
    bulk.update(Line, kept, LINE_FIELDS)


def _lines(order: Order, message: OrderMessage) -> list[Line]:
    return [
        Line(
            organization_id=order.organization_id,
            order=order,
            external_id=line.external_id,
            position=position,
            sku=line.sku[:200],
            title=line.title[:500],
            quantity=line.quantity,
            total_minor=line.total_minor,
            listing_ids=list(line.listing_ids),
        )
        for position, line in enumerate(message.lines)
    ]


def _void_told_by_files(order_ids: Sequence[int]) -> None:
    """Once its provider speaks of an order, what files said of its money no longer counts: the provider tells all."""
    if order_ids:
        for model in (Payment, Refund):
            told = model._base_manager.filter(order__in=order_ids, external_id__startswith=FROM_FILE)
            told.update(status=model.Status.FAILED)


def _void_unlisted(changed: Sequence[tuple[Order, OrderMessage]]) -> set[int]:
    """A refund that the newest version of its order no longer lists did not happen, unless it is newer than that."""
    complete = {order.pk: message for order, message in changed if message.refunds_complete}
    if not complete:
        return set()
    voided: set[int] = set()
    for refund in Refund.objects.filter(order__in=list(complete)).exclude(status=Refund.Status.FAILED):
        message = complete[refund.order_id or 0]
        if refund.version <= message.version and refund.external_id not in {r.external_id for r in message.refunds}:
            Refund.objects.filter(pk=refund.pk).update(status=Refund.Status.FAILED)
            voided.add(refund.order_id or 0)
    return voided
