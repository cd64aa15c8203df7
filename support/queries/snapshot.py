"""The canonical state of an organization (SURFACE.md): equal facts print the same, whatever their order or number."""

from collections import Counter
from typing import Any

from attribution.models import Conversation
from fulfillment.models import Email
from orders.models import Delivery, Order
from profiles.models import Event, Fact, Organization, Profile, Review
from support.queries import documents

ACCEPTED = [Email.State.SENT, Email.State.UNKNOWN, Email.State.KEPT]


def take(organization: Organization) -> dict[str, Any]:
    """The whole state as one JSON document; a handful of queries whatever its size. Needs the context set."""
    orders = _plain(documents.orders(list(Order.objects.select_related("channel"))), "profile")
    profiles = _plain(documents.profiles(list(Profile.objects.filter(merged_into__isnull=True))))
    conversations = documents.conversations(list(Conversation.objects.all()))
    return {
        "organization": organization.slug,
        "orders": sorted(orders, key=lambda row: (row["channel"], row["external_id"])),
        "profiles": sorted(profiles, key=_person),
        "conversations": sorted(
            ({"external_id": row["external_id"], "customer": row["customer"]} for row in conversations),
            key=lambda row: row["external_id"],
        ),
        "emails": _emails(),
        "quarantined": _quarantined(),
        "unattached_events": _unattached(),
        "reviews": Review.objects.filter(decided_at__isnull=True).count(),
    }


def _plain(rows: list[dict[str, Any]], *more: str) -> list[dict[str, Any]]:
    """Without what only this database knows."""
    return [{name: value for name, value in row.items() if name not in ("id", *more)} for row in rows]


def _person(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["identifiers"], row["strength"], row["orders"], row["first_purchase_at"] or "")


def _emails() -> list[dict[str, Any]]:
    rows = Email.objects.filter(state__in=ACCEPTED).exclude(template=Email.Template.TEST)
    counts = Counter(rows.values_list("to", "template", "about"))
    return [
        {"to": to, "template": template, "about": about, "count": count}
        for (to, template, about), count in sorted(counts.items())
    ]


def _quarantined() -> list[dict[str, Any]]:
    rows = Delivery.objects.filter(state=Delivery.State.QUARANTINED).select_related("channel").defer("body")
    told = [{"channel": r.channel.label, "delivery": r.delivery_id, "reason": r.reason} for r in rows]
    return sorted(told, key=lambda row: (row["channel"], row["delivery"], row["reason"]))


def _unattached() -> int:
    """Facts that bear no identifier anybody could be known by, and so have no customer; a till's sale counts once."""
    models = [model for model in Fact.__subclasses__() if model not in (Conversation, Event)]
    events = Event.objects.filter(profile__isnull=True, told_as="").count()
    return events + sum(model._base_manager.filter(profile__isnull=True).count() for model in models)
