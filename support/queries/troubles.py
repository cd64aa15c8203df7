"""What is wrong with an organization's deliveries right now, each condition by one bounded query."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, Q

from fulfillment import storages
from fulfillment.actions import stores
from fulfillment.actions.entitlements import DIGITAL, PAID
from fulfillment.models import Asset, Circuit, Email, Job, Mission
from fulfillment.queries import missions
from orders.models import Backfill, Delivery
from orders.queries.bundles import OWED
from profiles.models import SettlementRequest
from support import alarms
from support.alarms import Policy, Trouble
from support.models import ReconcileRun
from support.queries import books, needs

LOOKED_BACK = timedelta(days=7)
FILES_NAMED = 3
UNREAD_FOR = timedelta(hours=2)
"""Providers are asked every half an hour: one or two that fail are no news."""

_UNGRANTED = f"""
WITH RECURSIVE {OWED}
SELECT count(DISTINCT o.id), min(coalesce(o.paid_at, o.placed_at))
  FROM orders_order o
  JOIN orders_line l ON l.organization_id = o.organization_id AND l.order_id = o.id AND NOT l.removed
  JOIN owed p ON p.id = l.product_id
 WHERE o.placed_at >= %(after)s AND o.payment_status = ANY(%(paid)s) AND o.profile_id IS NOT NULL
   AND greatest(o.arrived_at, o.paid_at) < %(before)s
   AND NOT EXISTS (SELECT FROM fulfillment_entitlement e
                    WHERE e.organization_id = l.organization_id AND e.order_id = o.id AND e.line_id = l.id)
"""


def found(policy: Policy, now: datetime) -> list[Trouble]:
    """Every trouble there is now; empty when all is well."""
    return [
        *_only(
            _stuck(policy, now),
            _failures(policy, now),
            _ungranted(policy, now),
            _rewards(),
            _bounces(policy, now),
            _mail_outage(),
            _storage_outage(),
            _storage_away(),
            _file_faults(),
            _unsettled(),
            _quarantined(),
            alarms.differences_late(*books.late(now)),
            _reconciliation_failed(now),
            _providers_unread(now),
        )
    ]


def _only(*troubles: Trouble | None) -> Iterable[Trouble]:
    return (trouble for trouble in troubles if trouble is not None)


def _counted(rows: Any, at: str) -> tuple[int, datetime | None]:
    row = rows.aggregate(count=Count("pk"), oldest=Min(at))
    return row["count"], row["oldest"]


def _stuck(policy: Policy, now: datetime) -> Trouble | None:
    rows = Job.objects.filter(state__in=needs.OPEN, changed_at__lt=now - policy.stuck_after)
    return alarms.stuck(*_counted(rows, "changed_at"), policy)


def _failures(policy: Policy, now: datetime) -> Trouble | None:
    rows = Job.objects.filter(state=Job.State.FAILED, changed_at__gte=now - timedelta(hours=1))
    return alarms.failures(*_counted(rows, "changed_at"), policy)


def _ungranted(policy: Policy, now: datetime) -> Trouble | None:
    values: dict[str, Any] = {
        "kinds": [str(kind) for kind in DIGITAL],
        "paid": [str(status) for status in PAID],
        "after": now - LOOKED_BACK,
        "before": now - policy.ungranted_after,
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNGRANTED, values)
        count, oldest = cursor.fetchone()
    return alarms.ungranted(count, oldest, policy)


def _rewards() -> Trouble | None:
    active = list(Mission.objects.filter(active=True).values_list("pk", flat=True))
    return alarms.rewards(sum(1 for reward in missions.rewards(active) if reward.wrong) if active else 0)


def _bounces(policy: Policy, now: datetime) -> Trouble | None:
    rows = Email.objects.filter(created_at__gte=now - timedelta(hours=24), state=Email.State.SENT)
    row = rows.aggregate(sent=Count("pk"), bounced=Count("pk", filter=Q(bounced_at__isnull=False)))
    return alarms.bounces(row["bounced"], row["sent"], policy)


def _mail_outage() -> Trouble | None:
    """Circuits belong to the installation: every organization that mails through them is told."""
    chain = list(settings.EMAIL_PROVIDERS)
    resting = Circuit.objects.filter(provider__in=chain, opened_at__isnull=False).order_by("opened_at")
    names = [row.provider for row in resting]
    if not names:
        return None
    waiting = Email.objects.filter(state__in=[Email.State.QUEUED, Email.State.CLAIMED]).count()
    return alarms.mail_outage(names, chain, waiting, resting[0].opened_at)


def _storage_outage() -> Trouble | None:
    rows = Job.objects.filter(state=Job.State.PENDING_STORAGE)
    return alarms.storage_outage(*_counted(rows, "changed_at"))


def _storage_away() -> Trouble | None:
    """Stores belong to the installation: every organization that delivers from them is told."""
    names = {stores.PREFIX + alias: stores.NAMES[alias] for alias in storages.aliases()}
    resting = Circuit.objects.filter(provider__in=names, opened_at__isnull=False).order_by("opened_at")
    rows = list(resting)
    return alarms.storage_away(
        [names[row.provider] for row in rows], len(names) > 1, rows[0].opened_at if rows else None
    )


def _file_faults() -> Trouble | None:
    rows = Asset.objects.exclude(fault="").filter(current=True).select_related("product").order_by("-created_at")
    named = [f"{row.product.sku}, {row.fault}" for row in rows[:FILES_NAMED]]
    return alarms.file_faults(rows.count() if named else 0, named)


def _unsettled() -> Trouble | None:
    rows = SettlementRequest.objects.filter(state=SettlementRequest.State.DEAD)
    return alarms.unsettled(*_counted(rows, "due_at"))


def _reconciliation_failed(now: datetime) -> Trouble | None:
    rows = ReconcileRun.objects.filter(state=ReconcileRun.State.FAILED, asked_at__gte=now - LOOKED_BACK)
    return alarms.reconciliation_failed(*_counted(rows, "asked_at"))


def _providers_unread(now: datetime) -> Trouble | None:
    rows = Backfill.objects.filter(good_until__lt=now - UNREAD_FOR, channel__calls_provider=True).exclude(error="")
    found = list(rows.select_related("channel").order_by("good_until"))
    return alarms.providers_unread([row.channel.label for row in found], found[0].good_until if found else None)


def _quarantined() -> Trouble | None:
    return alarms.quarantined(*_counted(Delivery.objects.filter(state=Delivery.State.QUARANTINED), "received_at"))
