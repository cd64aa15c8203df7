"""The ledger made to agree with the facts: what they say of each source now, less what is booked of it, is a new entry.

Nothing is ever changed or taken away. A batch of any size costs a fixed number of statements. Whoever books holds the
organization's turn together with others of its kind, and so never beside a month that is being closed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db.models import Sum

from orders import bookings
from orders.actions.statuses import Money
from orders.bookings import Item, Sale
from orders.models import LedgerEntry, Order, Payment, Payout, PayoutLine, Period
from profiles import bulk, clock, prepared
from profiles.models import Organization
from profiles.prepared_queries import PreparedQuery

Key = tuple[str, str, str, bool]
"""Kind, source, currency and whether it is of the test mode."""

# What a person booked belongs to no fact, and stays.
_OF_ORDERS = """
SELECT order_id, kind, source, currency, test, sum(amount_minor)::bigint FROM orders_ledgerentry
 WHERE order_id = ANY(%s) AND source NOT LIKE 'person:%%' GROUP BY order_id, kind, source, currency, test
"""
_OF_SOURCES = """
SELECT channel_id, kind, source, currency, test, sum(amount_minor)::bigint FROM orders_ledgerentry
 WHERE order_id IS NULL AND source = ANY(%s) GROUP BY channel_id, kind, source, currency, test
"""

_MOVEMENTS = PreparedQuery(lambda orders: PayoutLine.objects.filter(order__in=orders).order_by("at", "external_id"))
_LAST_CLOSED = PreparedQuery(lambda: Period.objects.order_by("-month").values_list("month", flat=True)[:1])


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose entries they are: an order, or else a payout or movement of a channel."""

    channel_id: int
    test: bool
    changed_at: datetime
    order_id: int | None = None
    payout_id: int | None = None


def settle(orders: Sequence[Order], money: Mapping[int, Money], *, organization: Organization) -> int:
    """Book what is missing of these orders, which the caller has locked; returns how many entries were written."""
    ids = [order.pk for order in orders]
    lines: dict[int, list[PayoutLine]] = defaultdict(list)
    for line in _MOVEMENTS(ids):
        lines[line.order_id or 0].append(line)
    learn_fees(orders, money, lines)
    booked = sums(_OF_ORDERS, ids)
    pairs = [
        (
            Owner(order.channel_id, order.test, order.version, order_id=order.pk),
            bookings.of_order(_sale(order, money[order.pk], lines[order.pk])),
            booked.get(order.pk, {}),
        )
        for order in orders
    ]
    return _book(pairs, organization)


def _sale(order: Order, known: Money, lines: Sequence[PayoutLine]) -> Sale:
    return Sale(order, known.payments, known.refunds, known.disputes, lines)


def learn_fees(orders: Sequence[Order], money: Mapping[int, Money], lines: Mapping[int, Sequence[PayoutLine]]) -> None:
    """A payment that came without its fee takes it from the balance's movement of it."""
    taught = []
    for order in orders:
        for payment in money[order.pk].payments if lines.get(order.pk) else ():
            fee = bookings.learnt(payment, lines[order.pk])
            if fee is not None:
                payment.fee_minor = fee
                taught.append(payment)
    bulk.update(Payment, taught, ["fee_minor"])


def settle_balances(payout_ids: Iterable[int], line_ids: Iterable[int], *, organization: Organization) -> int:
    """Book what is missing of these payouts and of these movements without an order; returns how many entries."""
    payouts = list(Payout.objects.select_for_update(no_key=True).filter(pk__in=list(payout_ids)).order_by("pk"))
    lines = list(PayoutLine.objects.select_for_update(no_key=True).filter(pk__in=list(line_ids)).order_by("pk"))
    told = _fees_told(payouts)
    named = [f"payout:{payout.external_id}" for payout in payouts]
    for line in lines:
        named += [f"line:{line.external_id}", f"line:{line.external_id}:fee"]
    booked = sums(_OF_SOURCES, named)
    pairs = []
    for payout in payouts:
        owner = Owner(payout.channel_id, payout.test, payout.version, payout_id=payout.pk)
        items = bookings.of_payout(payout, fees_told_minor=told.get(payout.pk, 0))
        pairs.append((owner, items, _of(booked, payout.channel_id, {f"payout:{payout.external_id}"})))
    for line in lines:
        owner = Owner(line.channel_id, line.test, line.version, payout_id=line.payout_id)
        sources = {f"line:{line.external_id}", f"line:{line.external_id}:fee"}
        pairs.append((owner, bookings.of_movement(line), _of(booked, line.channel_id, sources)))
    return _book(pairs, organization)


def _fees_told(payouts: Sequence[Payout]) -> dict[int, int]:
    """The fees that the lines of files' payouts tell themselves."""
    ids = [payout.pk for payout in payouts if payout.from_file and payout.fee_minor is not None]
    if not ids:
        return {}
    rows = PayoutLine.objects.filter(payout__in=ids).values_list("payout_id").annotate(fees=Sum("fee_minor"))
    return dict(rows.order_by())


def sums(sql: str, names: Sequence[int] | Sequence[str]) -> dict[int, dict[Key, int]]:
    """What is booked, by owner and source."""
    found: dict[int, dict[Key, int]] = defaultdict(dict)
    if names:
        for owner_id, kind, source, currency, test, amount in prepared.fetch(sql, [list(names)]):
            found[owner_id][kind, source, currency, test] = amount
    return found


def _of(booked: Mapping[int, Mapping[Key, int]], channel_id: int, sources: set[str]) -> dict[Key, int]:
    return {key: amount for key, amount in booked.get(channel_id, {}).items() if key[1] in sources}


def _book(pairs: Sequence[tuple[Owner, Sequence[Item], Mapping[Key, int]]], organization: Organization) -> int:
    missing = [(owner, item, delta, at) for owner, items, had in pairs for item, delta, at in deltas(owner, items, had)]
    if not missing:
        return 0
    closed, zone, now = last_closed(), ZoneInfo(organization.timezone), clock.now()
    entries = []
    for owner, item, (delta, test), at in missing:
        month, late = bookings.booked_in(at, zone, closed)
        entries.append(
            LedgerEntry(
                organization=organization,
                channel_id=owner.channel_id,
                order_id=owner.order_id,
                payout_id=item.payout_id or owner.payout_id,
                kind=item.kind,
                source=item.source,
                amount_minor=delta,
                currency=item.currency,
                test=test,
                happened_at=at,
                booked_at=now,
                month=month,
                late=late,
            )
        )
    return bulk.insert(LedgerEntry, entries)


def deltas(
    owner: Owner, items: Sequence[Item], had: Mapping[Key, int]
) -> list[tuple[Item, tuple[int, bool], datetime]]:
    """What is missing of each source: the item it belongs to, the amount with its mode, and when it happened."""
    wanted = {(item.kind, item.source, item.currency, owner.test): item for item in items}
    found = []
    for key, item in wanted.items():
        delta = item.amount_minor - had.get(key, 0)
        if delta:
            found.append((item, (delta, owner.test), item.changed_at if key in had else item.at))
    for key, amount in had.items():
        if key not in wanted and amount:
            kind, source, currency, test = key
            gone = Item(kind, source, 0, currency, owner.changed_at, owner.changed_at)
            found.append((gone, (-amount, test), owner.changed_at))
    return found


def last_closed() -> date | None:
    """The last month that was closed; every month before it is closed with it."""
    return next(iter(_LAST_CLOSED()), None)
