"""The canonical state of an organization (SURFACE.md): equal facts print the same, whatever their order or number."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from attribution.models import Attribution, Conversation
from fulfillment.models import Email, Entitlement
from orders import money
from orders.models import Delivery, Line, Order, ProfileTotal
from profiles.models import Fact, Identifier, Organization, Profile, Review

ACCEPTED = [Email.State.SENT, Email.State.UNKNOWN, Email.State.KEPT]


def take(organization: Organization) -> dict[str, Any]:
    """The whole state as one JSON document; a handful of queries whatever its size. Needs the context set."""
    people = _identifiers()
    return {
        "organization": organization.slug,
        "orders": _orders(people),
        "profiles": _profiles(people),
        "conversations": [
            {"external_id": c.external_id, "customer": people.get(c.profile_id or 0, [])}
            for c in Conversation.objects.order_by("external_id")
        ],
        "emails": _emails(),
        "quarantined": sorted(
            (
                {"channel": row.channel.label, "delivery": row.delivery_id, "reason": row.reason}
                for row in Delivery.objects.filter(state=Delivery.State.QUARANTINED)
                .select_related("channel")
                .defer("body")
            ),
            key=lambda row: (row["channel"], row["delivery"], row["reason"]),
        ),
        "unattached_events": _unattached(),
        "reviews": Review.objects.filter(decided_at__isnull=True).count(),
    }


def instant(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z; fractions of a second only where there are any."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _identifiers() -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    rows = Identifier.objects.filter(status=Identifier.Status.ACTIVE).values_list("profile_id", "spelled")
    for profile_id, text in rows:
        found[profile_id].append(text)
    return {profile_id: sorted(texts) for profile_id, texts in found.items()}


def _orders(people: dict[int, list[str]]) -> list[dict[str, Any]]:
    lines: dict[int, list[Line]] = defaultdict(list)
    for line in Line.objects.filter(removed=False).select_related("product").order_by("order_id", "position"):
        lines[line.order_id].append(line)
    attributed = {a.order_id: a for a in Attribution.objects.filter(current=True).select_related("conversation")}
    entitled: dict[int, list[Entitlement]] = defaultdict(list)
    for entitlement in Entitlement.objects.filter(order__isnull=False).select_related("product"):
        entitled[entitlement.order_id or 0].append(entitlement)
    rows = [
        {
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
            "customer": people.get(order.profile_id or 0, []),
            "lines": _lines(order, lines[order.pk]),
            "attribution": _attribution(attributed.get(order.pk)),
            "entitlements": _entitlements(entitled[order.pk]),
        }
        for order in Order.objects.select_related("channel")
    ]
    return sorted(rows, key=lambda row: (row["channel"], row["external_id"]))


def _lines(order: Order, lines: Iterable[Line]) -> list[dict[str, Any]]:
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


def _attribution(attribution: Attribution | None) -> dict[str, Any] | None:
    if attribution is None:
        return None
    return {
        "method": attribution.method,
        "confidence": f"{attribution.confidence_cents // 100}.{attribution.confidence_cents % 100:02d}",
        "conversation": attribution.conversation.external_id if attribution.conversation else None,
    }


def _entitlements(entitlements: Iterable[Entitlement]) -> list[dict[str, Any]]:
    rows = [{"sku": e.product.sku, "status": e.status, "source": e.source} for e in entitlements]
    return sorted(rows, key=lambda row: (row["sku"], row["status"], row["source"]))


def _profiles(people: dict[int, list[str]]) -> list[dict[str, Any]]:
    totals: dict[int, list[ProfileTotal]] = defaultdict(list)
    for total in ProfileTotal.objects.order_by("currency"):
        totals[total.profile_id].append(total)
    rows = []
    for profile in Profile.objects.filter(merged_into__isnull=True):
        own = totals[profile.pk]
        rows.append(
            {
                "identifiers": people.get(profile.pk, []),
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
    return sorted(
        rows, key=lambda row: (row["identifiers"], row["strength"], row["orders"], row["first_purchase_at"] or "")
    )


def _emails() -> list[dict[str, Any]]:
    counts = Counter(Email.objects.filter(state__in=ACCEPTED).values_list("to", "template", "about"))
    return [
        {"to": to, "template": template, "about": about, "count": count}
        for (to, template, about), count in sorted(counts.items())
    ]


def _unattached() -> int:
    """Facts that bear no identifier anybody could be known by, and so have no customer."""
    models = [model for model in Fact.__subclasses__() if model is not Conversation]
    return sum(model._base_manager.filter(profile__isnull=True).count() for model in models)
