"""Looking after buyers whose mail was of no use: when each order is looked at, and what is found."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from fulfillment import reach, typos
from fulfillment.models import DownloadSession, Email, Entitlement, Reach
from fulfillment.providers import tracking
from profiles import bulk, clock, tenancy
from profiles.actions import settlement
from profiles.models import Organization

LATER = timedelta(minutes=10)
FIELDS = ("due_at", "why", "words", "since", "email", "address", "suggestion")

_REQUEST = """
INSERT INTO fulfillment_reach (organization_id, order_id, due_at, why, words, address, suggestion)
SELECT %s, i, %s, '', '', '', '' FROM unnest(%s::bigint[]) AS v(i) ORDER BY i
ON CONFLICT (organization_id, order_id) DO UPDATE SET due_at = least(fulfillment_reach.due_at, excluded.due_at)
"""
_TOUCH = """
UPDATE fulfillment_reach SET due_at = %s WHERE order_id = ANY(%s) AND why <> '' RETURNING organization_id
"""
# Whose domains are many customers': enough to tell a slip from a name, over a bounded number of messages.
_FREQUENT = """
SELECT domain FROM (SELECT split_part("to", '@', 2) AS domain FROM fulfillment_email
                     ORDER BY created_at DESC, id DESC LIMIT 5000) m
 WHERE domain <> '' GROUP BY domain HAVING count(*) >= 5 ORDER BY count(*) DESC LIMIT 50
"""


def request(order_ids: Iterable[int], *, at: datetime | None = None) -> None:
    """Have these orders looked at, now or at the latest then."""
    ids = sorted(set(order_ids))
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_REQUEST, [tenancy.current(), at or clock.now(), ids])


def watch(order_ids: Iterable[int], policies: dict[str, Any]) -> None:
    """Mail about these orders goes out: look when the organization's hours are over."""
    ids = sorted(set(order_ids))
    if ids:
        request(ids, at=clock.now() + reach.read(policies).span)


def touch(order_ids: Iterable[int]) -> None:
    """Something good may have happened to these orders: those that stand on the list are looked at now."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, [clock.now(), sorted(set(order_ids))])
        found = cursor.fetchone()
    if found:
        settlement.wake(found[0])


def look(order_ids: Iterable[int]) -> None:
    """Look at these orders here and now, for whoever is about to show the list again."""
    settle(list(Reach.objects.filter(order__in=list(order_ids)).values_list("pk", flat=True)))


def due(limit: int) -> list[int]:
    """The rows whose time has come, the oldest first."""
    rows = Reach.objects.filter(due_at__lte=clock.now()).order_by("due_at", "pk")
    return list(rows.values_list("pk", flat=True)[:limit])


def settle(reach_ids: Sequence[int]) -> None:
    """Look at these orders: the reached go, the others are looked at later or stand on the list. Fixed queries."""
    rows = list(Reach.objects.select_for_update(no_key=True).filter(pk__in=reach_ids).order_by("pk"))
    if not rows:
        return
    orders = [row.order_id for row in rows]
    policy = reach.read(Organization.objects.get(pk=rows[0].organization_id).policies)
    rights = Entitlement.objects.filter(order__in=orders, status__in=Entitlement.DOWNLOADABLE)
    entitled = set(rights.values_list("order_id", flat=True))
    fetched = set(
        DownloadSession.objects.filter(link__entitlement__order__in=orders, staff="").values_list(
            "link__entitlement__order", flat=True
        )
    )
    mails = _newest(orders)
    now, tracked = clock.now(), tracking.tracked()
    over, kept = [], []
    for row in rows:
        mail = mails.get(row.order_id)
        if mail is None or row.order_id not in entitled:
            over.append(row.pk)
            continue
        verdict = reach.judge(_message(mail, tracked), downloaded=row.order_id in fetched, now=now, policy=policy)
        if verdict.reached:
            over.append(row.pk)
        else:
            _write(row, mail, verdict, now)
            kept.append(row)
    _suggest(kept)
    Reach.objects.filter(pk__in=over).delete()
    bulk.update(Reach, kept, FIELDS)


def postpone(reach_id: int, *, error: str) -> None:
    """Something of ours failed on this order: look again soon."""
    Reach.objects.filter(pk=reach_id).update(due_at=clock.now() + LATER, words=error[:2000])


def _newest(order_ids: Sequence[int]) -> dict[int, Email]:
    """The newest mail of each order that carries what was bought."""
    rows = Email.objects.filter(order__in=order_ids, template__in=Email.CARRYING).exclude(state=Email.State.CANCELLED)
    found = rows.defer("text", "html", "secrets").order_by("order", "-created_at", "-pk").distinct("order")
    return {row.order_id: row for row in found if row.order_id}


def _message(mail: Email, tracked: frozenset[str]) -> reach.Message:
    return reach.Message(
        state=mail.state,
        since=mail.done_at or mail.created_at,
        given_up=mail.given_up,
        tracked=mail.provider in tracked,
        arrived=mail.delivered_at is not None,
        lost=mail.bounced_at is not None,
        soft_bounced=mail.soft_bounced_at is not None,
    )


def _write(row: Reach, mail: Email, verdict: reach.Verdict, now: datetime) -> None:
    row.due_at = verdict.again_at
    if verdict.why is None:
        row.why, row.words, row.since, row.email, row.address, row.suggestion = "", "", None, None, "", ""
        return
    if not row.why or row.email_id != mail.pk:
        row.since = mail.bounced_at or mail.done_at or mail.created_at
    row.why, row.words, row.email, row.address = verdict.why, mail.bounce or mail.last_error, mail, mail.to


def _suggest(rows: Sequence[Reach]) -> None:
    """What each address was likely meant to be; an address that took mail is as it should be."""
    listed = [row for row in rows if row.why]
    if not listed:
        return
    with connection.cursor() as cursor:
        cursor.execute(_FREQUENT)
        frequent = [domain for (domain,) in cursor.fetchall()]
    for row in listed:
        row.suggestion = typos.suggest(row.address, frequent=frequent)
