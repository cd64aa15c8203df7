"""Asking a channel's provider what its webhooks missed: how far it was asked, who is asking, what was told.

The calls are made outside of any transaction (`config.backfilling`); here is what is written before and after them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from orders.actions import facts
from orders.actions.statements import Said
from orders.messages import OrderMessage, PaymentMessage
from orders.models import Backfill, Channel, Order, Payment, Payout
from orders.providers import TRUTHS
from orders.providers.refunding import Shop
from orders.providers.truth import Asked, Cursor, Page
from orders.queries.refunding import credentials, shop
from profiles import clock
from profiles.actions import audit, settlement
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Organization

OVERLAP = timedelta(hours=1)
"""Each reading begins so long before the last good point: clocks differ, and lists lag."""
LEASE = timedelta(minutes=2)
AGAIN = timedelta(minutes=5)
"""So long a provider that gave no list is left alone, unless it asked for more."""


class NotAskable(Refusal):
    title = "This channel cannot be asked"


class Busy(Refusal):
    title = "It is being asked already"


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a provider's lists, ready for a caller outside of any transaction."""

    backfill_id: int
    channel_id: int
    label: str
    kind: str
    asked: Asked
    cursor: Cursor
    shop: Shop
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What a page told: facts in all, and of the orders, payments and payouts how many nobody had told us of."""

    facts: int = 0
    missed: int = 0


def schedule(organization_id: int) -> int:
    """Every channel that may be asked is due; returns how many. Channels that call no provider are left alone."""
    found = 0
    for channel in Channel.objects.filter(calls_provider=True, made_up=False, kind__in=list(TRUTHS)):
        if lacking(channel):
            continue
        row = _row(channel)
        if row.due_at is None:
            Backfill.objects.filter(pk=row.pk).update(due_at=clock.now())
            found += 1
    if found:
        settlement.wake(organization_id)
    return found


def request(channel: Channel, *, by: Actor, because: str) -> Backfill:
    """A person has the provider asked by the workers, now; a channel that calls no provider by itself is asked too."""
    by.require("manage_finance")
    reason = audit.require_reason(because)
    if missing := lacking(channel):
        raise NotAskable(missing)
    row = Backfill.objects.select_for_update(no_key=True).get(pk=_row(channel).pk)
    row.due_at = clock.now()
    row.save(update_fields=["due_at"])
    settlement.wake(channel.organization_id)
    audit.record("channel.asked", by=by, subject=channel, because=reason)
    return row


def lacking(channel: Channel) -> str:
    """Why this channel cannot be asked; "" if it can."""
    truth = TRUTHS.get(channel.kind)
    if truth is None:
        return f"{channel.get_kind_display()} has no list to be asked."
    missing = truth.lacking(credentials(channel))
    return f"The channel's {missing} is missing." if missing else ""


def _row(channel: Channel) -> Backfill:
    row, _ = Backfill.objects.get_or_create(
        organization_id=channel.organization_id, channel=channel, defaults={"good_until": channel.connected_at}
    )
    return row


def claim() -> Reading | None:
    """Take the channel that waits longest, for two minutes. Commit before the first call."""
    free = Q(lease_until=None) | Q(lease_until__lt=clock.real())
    rows = Backfill.objects.select_for_update(skip_locked=True, of=("self",), no_key=True).select_related("channel")
    row = rows.filter(free, due_at__lte=clock.now()).order_by("due_at", "pk").first()
    return None if row is None else _begin(row, since=None)


def begin(channel: Channel, *, since: datetime | None) -> Reading:
    """A person asks now, from then on or from the last good point; refuses what cannot be asked or is being asked."""
    if reason := lacking(channel):
        raise NotAskable(f"{channel.label}: {reason}")
    if since is not None and since > clock.now():
        raise Invalid("The time to begin at has not come yet.")
    row = (
        Backfill.objects.select_for_update(of=("self",), no_key=True).select_related("channel").get(pk=_row(channel).pk)
    )
    if row.lease_until is not None and row.lease_until > clock.real():
        raise Busy(f"{channel.label} is being asked already; its turn ends by itself within two minutes.")
    row.cursor = {}
    return _begin(row, since=since)


def _begin(row: Backfill, *, since: datetime | None) -> Reading:
    """A reading that was cut goes on where it was, within its own window."""
    kept = row.cursor
    if not kept:
        now = clock.now()
        begin_at = since if since is not None else row.good_until - OVERLAP
        kept = {"since": begin_at.isoformat(), "until": now.isoformat(), "after": {}}
        row.told = row.missed = 0
    row.cursor, row.ran_at, row.lease_until = kept, clock.now(), clock.real() + LEASE
    row.save(update_fields=["cursor", "told", "missed", "ran_at", "lease_until"])
    settled = Payout.objects.filter(channel=row.channel_id, complete=True).order_by("-at", "-pk")
    return Reading(
        backfill_id=row.pk,
        channel_id=row.channel_id,
        label=row.channel.label,
        kind=row.channel.kind,
        asked=Asked(
            since=datetime.fromisoformat(kept["since"]),
            until=datetime.fromisoformat(kept["until"]),
            settled=frozenset(settled.values_list("external_id", flat=True)[:2000]),
        ),
        cursor=kept["after"],
        shop=shop(row.channel),
        lease_until=row.lease_until,
    )


def unknown(channel: Channel, page: Page) -> int:
    """How many orders, payments and payouts of the page nobody has told us of."""
    wanted: dict[Any, set[str]] = {Order: set(), Payment: set()}
    for message in page.messages:
        if isinstance(message, OrderMessage) and message.authority.value == "2-order":
            wanted[Order].add(message.external_id)
        elif isinstance(message, PaymentMessage):
            wanted[Payment].add(message.external_id)
    known = sum(
        model.objects.filter(channel=channel, external_id__in=names).values("external_id").count()
        for model, names in wanted.items()
    )
    return sum(len(names) for names in wanted.values()) - known


def take(reading: Reading, page: Page, *, organization: Organization) -> Told:
    """Record a page through the same door as what webhooks tell, and remember where the next begins."""
    row = (
        Backfill.objects.select_for_update(of=("self",), no_key=True)
        .select_related("channel")
        .get(pk=reading.backfill_id)
    )
    told = Told(len(page.messages), unknown(row.channel, page))
    recorded = facts.record([Said(row.channel, message) for message in page.messages], organization=organization)
    settlement.request(organization.pk, orders=recorded.orders)
    row.told, row.missed = row.told + told.facts, row.missed + told.missed
    row.lease_until, row.error = clock.real() + LEASE, "; ".join(page.unreadable)[:300]
    if page.after is not None:
        row.cursor = {**row.cursor, "after": dict(page.after)}
    else:
        _good_until(row, reading.asked)
    row.save()
    return told


def _good_until(row: Backfill, asked: Asked) -> None:
    """Read to the end: what was told to us until the reading began is whole, where it began early enough."""
    if asked.since <= row.good_until:
        row.good_until = max(row.good_until, asked.until)
    row.cursor, row.due_at, row.lease_until = {}, None, None


def put_back(reading: Reading, *, error: str = "", retry_after: int = 0, forget: bool = False) -> None:
    """The reading stops here for now; it goes on where it was, unless it is to be forgotten."""
    wait = max(AGAIN, timedelta(seconds=retry_after)) if error else timedelta(0)
    row = Backfill.objects.select_for_update(no_key=True).get(pk=reading.backfill_id)
    row.error, row.lease_until = error[:300], None
    row.cursor = {} if forget else row.cursor
    row.due_at = clock.now() + wait if row.due_at is not None else None
    row.save(update_fields=["error", "lease_until", "cursor", "due_at"])


def channels(labels: Iterable[str]) -> Sequence[Channel]:
    """The channels by kind:domain; all that can be asked where none is named. Raises `Invalid` for an unknown one."""
    known = {channel.label: channel for channel in Channel.objects.select_related("organization").order_by("pk")}
    wanted = list(labels)
    if unknown_ones := sorted(set(wanted) - set(known)):
        raise Invalid(f"There is no channel {unknown_ones[0]}: give kind:domain, such as stripe:shop.example.")
    if wanted:
        return [known[label] for label in wanted]
    return [channel for channel in known.values() if not channel.made_up and not lacking(channel)]
