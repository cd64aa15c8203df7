"""New links for many owners, each mailed once: after an outage of the file store, or with a new version of a file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection

from fulfillment.actions import emails, links
from fulfillment.models import Asset, DownloadLink, Entitlement, Renewal
from profiles import bulk, clock, tenancy
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid

LEASE = timedelta(minutes=2)
LONGEST_BACK = timedelta(days=30)
NOT_HAD = "It cannot be downloaded any more."
NO_ADDRESS = "There is no usable e-mail address on record; the former link was left alone."
MAILED = "A new link was mailed."
REPLACED = "A new link was mailed after an outage."

_CLAIM = """
UPDATE fulfillment_renewal SET due_at = %s
 WHERE id = ANY(ARRAY(SELECT id FROM fulfillment_renewal WHERE due_at <= %s
                       ORDER BY due_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED))
RETURNING id
"""
_KILL = """
UPDATE fulfillment_downloadlink l SET revoked_at = %s, revoked_because = %s
  FROM fulfillment_renewal r
 WHERE r.id = ANY(%s) AND r.before IS NOT NULL AND l.organization_id = r.organization_id
   AND l.entitlement_id = r.entitlement_id AND l.kind = 'mailed' AND l.revoked_at IS NULL AND l.created_at < r.before
"""


@dataclass(frozen=True, slots=True)
class Owners:
    """Who a new version would be offered to, in numbers."""

    owners: int
    kept: int
    """Of these, bought in a made-up shop: their mail is written and never sent."""
    told: int
    """Were offered this version before."""
    left_out: int
    """Their access was taken back or rests."""


def given_out(within: timedelta) -> Any:
    """The entitlements with a mailed link of that age that still lives, one row each."""
    if not timedelta(0) < within <= LONGEST_BACK:
        raise Invalid("Links of the last hour up to the last 30 days can be made anew.")
    now = clock.now()
    live = DownloadLink.objects.filter(
        kind=DownloadLink.Kind.MAILED,
        revoked_at__isnull=True,
        expires_at__gt=now,
        created_at__gte=now - within,
        entitlement__status__in=Entitlement.DOWNLOADABLE,
    )
    waiting = Renewal.objects.filter(why=Renewal.Why.OUTAGE, due_at__isnull=False)
    rows = Entitlement.objects.filter(pk__in=live.values("entitlement"))
    return rows.exclude(pk__in=waiting.values("entitlement"))


def renew(within: timedelta, *, by: Actor, because: str, key: str) -> int:
    """Have every mailed link of that age that still lives made anew and mailed by the workers; returns how many."""
    by.require("manage_incidents")
    reason = audit.require_reason(because)
    now, organization_id = clock.now(), tenancy.current()
    rows = [
        Renewal(
            organization_id=organization_id,
            entitlement_id=pk,
            why=Renewal.Why.OUTAGE,
            effect_key=f"renewed:{pk}:{key}"[:160],
            before=now,
            due_at=now,
        )
        for pk in given_out(within).values_list("pk", flat=True)
    ]
    count = bulk.insert(Renewal, rows, ignore_conflicts=True) if rows else 0
    details = {"links": count, "hours": int(within.total_seconds() // 3600)}
    audit.record("links.renewed", by=by, because=reason, organization_id=organization_id, details=details)
    settlement.wake(organization_id)
    return count


def owners(asset: Asset) -> Owners:
    """Who has had the product since before this version, in numbers."""
    before = Entitlement.objects.filter(product=asset.product_id, created_at__lt=asset.created_at)
    had = before.filter(status__in=Entitlement.DOWNLOADABLE)
    told = Renewal.objects.filter(why=Renewal.Why.VERSION, effect_key__startswith=_about(asset))
    return Owners(
        owners=had.values("profile").distinct().count(),
        kept=had.filter(order__channel__made_up=True).values("profile").distinct().count(),
        told=told.count(),
        left_out=before.exclude(status__in=Entitlement.DOWNLOADABLE).values("profile").distinct().count(),
    )


def offer(asset: Asset, *, by: Actor, because: str) -> int:
    """Have this version mailed once to each who owned the product before it; returns to how many it now goes."""
    by.require("map_product")
    reason = audit.require_reason(because)
    if not asset.current:
        raise Invalid(f"Version {asset.version} is not the one that is given out.")
    now = clock.now()
    had = Entitlement.objects.filter(
        product=asset.product_id, created_at__lt=asset.created_at, status__in=Entitlement.DOWNLOADABLE
    )
    newest = had.order_by("profile_id", "-pk").distinct("profile_id").values_list("pk", "profile_id")
    rows = [
        Renewal(
            organization_id=asset.organization_id,
            entitlement_id=pk,
            why=Renewal.Why.VERSION,
            effect_key=f"{_about(asset)}{profile_id}",
            due_at=now,
        )
        for pk, profile_id in newest
    ]
    count = bulk.insert(Renewal, rows, ignore_conflicts=True) if rows else 0
    audit.record(
        "asset.offered", by=by, subject=asset, because=reason, details={"version": asset.version, "owners": count}
    )
    settlement.wake(asset.organization_id)
    return count


def _about(asset: Asset) -> str:
    """One version of a product is offered once, whatever formats it has."""
    return f"version:{asset.product_id}:{asset.version}:"


# The work ------------------------------------------------------------------------------------------------------------


def claim(limit: int) -> list[int]:
    """Take up to `limit` due rows for two minutes; commit before working."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [now + LEASE, now, limit])
        return sorted(pk for (pk,) in cursor.fetchall())


def work(renewal_ids: Sequence[int]) -> None:
    """Make these links and mails, in one transaction with a fixed number of queries; done twice, nothing happens."""
    rows = list(
        Renewal.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=renewal_ids, due_at__isnull=False)
        .select_related(
            "entitlement__product", "entitlement__order__channel", "entitlement__profile", "entitlement__organization"
        )
        .order_by("pk")
    )
    ready: list[Renewal] = []
    for row in rows:
        row.due_at = None
        if not row.entitlement.downloadable:
            row.outcome = NOT_HAD
        elif not emails.address(row.entitlement):
            row.outcome = NO_ADDRESS
        else:
            row.outcome = MAILED
            ready.append(row)
    if ready:
        _mail(ready)
    bulk.update(Renewal, rows, ["due_at", "outcome"])


def _mail(ready: Sequence[Renewal]) -> None:
    # One right may be due twice, for an outage and for a version: each of the two mails has a link of its own.
    with connection.cursor() as cursor:
        cursor.execute(_KILL, [clock.now(), REPLACED, [row.pk for row in ready]])
    for part in _distinct(ready):
        given = links.make_mailed([row.entitlement for row in part])
        effects = {row.entitlement_id: row.effect_key for row in part}
        emails.mail_again([row.entitlement for row in part], given, effects)


def _distinct(ready: Iterable[Renewal]) -> list[list[Renewal]]:
    """The rows in parts in which no right stands twice."""
    parts: list[dict[int, Renewal]] = []
    for row in ready:
        part = next((one for one in parts if row.entitlement_id not in one), None)
        if part is None:
            parts.append(part := {})
        part[row.entitlement_id] = row
    return [list(part.values()) for part in parts]


def postpone(renewal_id: int, *, error: str) -> None:
    """Something of ours failed on this row: it is due again when its lease runs out, and says why."""
    Renewal.objects.filter(pk=renewal_id, due_at__isnull=False).update(outcome=error[:300])
