"""How rows are told to outsiders: the field names of SURFACE.md, for the snapshot and the API alike.

Each function takes a batch and costs a fixed number of queries.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attribution.models import Attribution, Conversation
from fulfillment.models import Entitlement
from orders import money
from orders.models import Line, Order, ProfileTotal, Refund, RefundRequest
from profiles.models import Event, Identifier, Merge, Profile
from support.analytics import BANDS, TOP, Figures, number
from support.models import Discrepancy
from support.queries.lifetimes import Lifetime

Document = dict[str, Any]


def instant(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z; fractions of a second only where there are any."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def identifiers(profile_ids: Iterable[int | None]) -> Mapping[int, list[str]]:
    """The active identifiers of these profiles as they are spelled, sorted."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = Identifier.objects.filter(
        profile_id__in={pk for pk in profile_ids if pk}, status=Identifier.Status.ACTIVE
    ).values_list("profile_id", "spelled")
    for profile_id, text in rows:
        found[profile_id].append(text)
    return defaultdict(list, {profile_id: sorted(texts) for profile_id, texts in found.items()})


def orders(rows: Sequence[Order]) -> list[Document]:
    """One document an order, in the order given. Five queries; the rows come with their channel."""
    ids = [order.pk for order in rows]
    people = identifiers(order.profile_id for order in rows)
    lines: dict[int, list[Line]] = defaultdict(list)
    for line in Line.objects.filter(order__in=ids, removed=False).select_related("product").order_by("position"):
        lines[line.order_id].append(line)
    current = Attribution.objects.filter(order__in=ids, current=True).select_related("conversation")
    attributed = {a.order_id: a for a in current}
    entitled: dict[int, list[Entitlement]] = defaultdict(list)
    for entitlement in Entitlement.objects.filter(order__in=ids).select_related("product"):
        entitled[entitlement.order_id or 0].append(entitlement)
    return [
        {
            "id": order.pk,
            "channel": order.channel.label,
            "external_id": order.external_id,
            "number": order.number,
            "status": order.status,
            "payment_status": order.payment_status,
            "currency": order.currency,
            "total": money.to_text(order.total_minor, order.currency),
            "refunded": money.to_text(order.refunded_minor, order.currency),
            "placed_at": instant(order.placed_at),
            "test": order.test,
            "profile": order.profile_id,
            "customer": people[order.profile_id or 0],
            "lines": _lines(order, lines[order.pk]),
            "attribution": _attribution(attributed.get(order.pk)),
            "entitlements": _entitlements(entitled[order.pk]),
        }
        for order in rows
    ]


def _lines(order: Order, lines: Iterable[Line]) -> list[Document]:
    rows = [
        {
            "sku": line.product.sku if line.product else line.sku,
            "title": line.title,
            "quantity": line.quantity,
            "total": money.to_text(line.total_minor, order.currency),
        }
        for line in lines
    ]
    return sorted(rows, key=lambda row: (row["sku"], row["title"], row["quantity"], row["total"]))


def _attribution(attribution: Attribution | None) -> Document | None:
    if attribution is None:
        return None
    return {
        "method": attribution.method,
        "confidence": f"{attribution.confidence_cents // 100}.{attribution.confidence_cents % 100:02d}",
        "conversation": attribution.conversation.external_id if attribution.conversation else None,
    }


def _entitlements(rows: Iterable[Entitlement]) -> list[Document]:
    found = [{"sku": e.product.sku, "status": e.status, "source": e.source} for e in rows]
    return sorted(found, key=lambda row: (row["sku"], row["status"], row["source"]))


def profiles(rows: Sequence[Profile]) -> list[Document]:
    """One document a customer, in the order given. Two queries."""
    ids = [profile.pk for profile in rows]
    people = identifiers(ids)
    totals: dict[int, list[ProfileTotal]] = defaultdict(list)
    for total in ProfileTotal.objects.filter(profile__in=ids).order_by("currency"):
        totals[total.profile_id].append(total)
    documents = []
    for profile in rows:
        own = totals[profile.pk]
        documents.append(
            {
                "id": profile.pk,
                "identifiers": people[profile.pk],
                "strength": profile.strength,
                "orders": sum(total.orders for total in own),
                "lifetime_value": {t.currency: money.to_text(t.net_minor, t.currency) for t in own},
                "first_purchase_at": instant(
                    min((t.first_purchase_at for t in own if t.first_purchase_at), default=None)
                ),
                "last_purchase_at": instant(max((t.last_purchase_at for t in own if t.last_purchase_at), default=None)),
                "claimed": profile.claimed_at is not None,
            }
        )
    return documents


def conversations(rows: Sequence[Conversation]) -> list[Document]:
    people = identifiers(c.profile_id for c in rows)
    return [
        {
            "id": c.pk,
            "external_id": c.external_id,
            "customer": people[c.profile_id or 0],
            "profile": c.profile_id,
            "channel": c.source,
            "started_at": instant(c.started_at),
            "last_activity_at": instant(c.last_activity_at),
            "ended_at": instant(c.ended_at),
            "status": c.status,
            "message_count": c.message_count,
            "labels": list(c.labels),
            "tags": list(c.tags),
        }
        for c in rows
    ]


def revenue(figures: Figures, currency: str) -> Document:
    """The figures of one range and currency by the names of SURFACE.md; days and platforms without orders left out."""

    def text(minor: int) -> str:
        return money.to_text(minor, currency)

    best = sorted(figures.products, key=lambda row: (-row.net_minor, row.sku, row.title, row.product_id or 0))
    return {
        "totalRevenue": text(figures.total.net_minor),
        "grossRevenue": text(figures.total.gross_minor),
        "refundedRevenue": text(figures.total.refunded_minor),
        "chatAttributedRevenue": text(figures.attributed.net_minor),
        "conversationCount": figures.conversations,
        "attributedOrders": figures.attributed.orders,
        "conversionRate": number(figures.conversion_rate),
        "convertedConversationRate": number(figures.converted_rate),
        "revenueByPlatform": {
            kind: text(row.net_minor) for kind, row in sorted(figures.by_platform.items()) if row.orders
        },
        "revenueByConfidence": {
            band: text(figures.by_band[band].net_minor if band in figures.by_band else 0) for band in BANDS
        },
        "topProducts": [
            {"sku": row.sku, "title": row.title, "revenue": text(row.net_minor), "quantity": row.quantity}
            for row in best[:TOP]
        ],
        "revenueOverTime": [
            {"date": row.day.isoformat(), "revenue": text(row.total.net_minor)}
            for row in sorted(figures.by_day, key=lambda row: row.day)
            if row.total.orders
        ],
        "currency": currency,
    }


def lifetime(row: Lifetime) -> Document:
    """A customer's figures in one currency by the names of SURFACE.md."""
    return {
        "email": row.email,
        "totalPurchases": row.purchases,
        "lifetimeValue": money.to_text(row.net_minor, row.currency),
        "averageOrderValue": money.to_text(row.average_minor, row.currency),
        "firstPurchaseAt": instant(row.first_purchase_at),
        "lastPurchaseAt": instant(row.last_purchase_at),
        "conversationCount": row.conversations,
        "attributedPurchases": row.attributed,
        "currency": row.currency,
    }


def events(rows: Sequence[Event]) -> list[Document]:
    """One document a customer event, in the order given. One query."""
    people = identifiers(event.profile_id for event in rows)
    return [
        {
            "id": event.pk,
            "event_id": event.event_id,
            "type": event.type,
            "occurred_at": instant(event.occurred_at),
            "source": event.source,
            "customer": people[event.profile_id or 0],
            "profile": event.profile_id,
        }
        for event in rows
    ]


def entitlements(rows: Sequence[Entitlement]) -> list[Document]:
    """One document an entitlement; the rows come with product and order.channel."""
    return [
        {
            "id": e.pk,
            "sku": e.product.sku,
            "status": e.status,
            "source": e.source,
            "because": e.because,
            "profile": e.profile_id,
            "order": _named(e.order),
            "created_at": instant(e.created_at),
            "expires_at": instant(e.expires_at),
        }
        for e in rows
    ]


def discrepancies(rows: Sequence[Discrepancy]) -> list[Document]:
    """One document a discrepancy; the rows come with channel and both orders with theirs."""
    return [
        {
            "id": row.pk,
            "kind": row.kind,
            "status": row.status,
            "amount": money.to_text(row.amount_minor, row.currency),
            "currency": row.currency,
            "found_at": instant(row.found_at),
            "due_at": instant(row.due_at),
            "closed_at": instant(row.closed_at),
            "happened_at": instant(row.at),
            "test": row.test,
            "channel": row.channel.label if row.channel else "",
            "external_id": row.external_id,
            "order": _named(row.order),
            "other_order": _named(row.other_order),
            "repair": row.repair,
        }
        for row in rows
    ]


def _named(order: Order | None) -> Document | None:
    if order is None:
        return None
    return {"id": order.pk, "channel": order.channel.label, "external_id": order.external_id}


def merges(rows: Sequence[Merge]) -> list[Document]:
    return [
        {
            "id": m.pk,
            "survivor": m.survivor_id,
            "absorbed": m.absorbed_id,
            "reason": m.reason,
            "at": instant(m.at),
            "undone_at": instant(m.undone_at),
        }
        for m in rows
    ]


def refund_request(row: RefundRequest) -> Document:
    """A refund asked for here, and what its provider made of it; the row comes with its order."""
    made = Refund.objects.filter(channel=row.order.channel_id, external_id=row.provider_refund_id or None).first()
    return {
        "id": row.pk,
        "order": row.order_id,
        "amount": money.to_text(row.amount_minor, row.currency),
        "currency": row.currency,
        "state": row.state,
        "refund": row.provider_refund_id or None,
        "refund_status": made.status if made else None,
        "error": row.last_error,
    }
