"""One million random movements of money: do ledger, orders, customers' totals and months agree to the minor unit?

Orders in currencies of 0, 2 and 3 decimals, paid whole or by payments, refunds in parts that succeed, wait and fail,
disputes opened, won and lost, fees, movements of the balance and payouts; told in random order, some of it many times,
with months closed in between. What should come of it is kept beside, by a few lines that share nothing with ours.
"""

import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import rig

OPERATIONS = int(os.environ.get("OPERATIONS", "100000"))
SEED = int(os.environ.get("SEED", "20261121"))
BATCH = 500
CURRENCIES = ("EUR", "USD", "JPY", "KWD")
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 240


@dataclass
class Books:
    """What should come of it, in minor units by currency (and month-independent), reckoned as the story is told."""

    captured: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refunded: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    held: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    fees: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    paid_out: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    other: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    by_order: dict[str, int] = field(default_factory=dict)

    def of_sales(self) -> dict[str, int]:
        """Captured, less refunded, less lost and held by disputes."""
        return {
            currency: self.captured[currency] - self.refunded[currency] - self.lost[currency] - self.held[currency]
            for currency in CURRENCIES
        }

    def whole(self) -> dict[str, int]:
        """All that is booked."""
        return {
            currency: self.of_sales()[currency] - self.fees[currency] - self.paid_out[currency] + self.other[currency]
            for currency in CURRENCIES
        }


class Trade:
    """Stories of orders, told as messages; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random, self.books, self.number = random.Random(seed), Books(), 0
        self.waiting: dict[str, int] = defaultdict(int)
        self.payouts = 0

    def tell(self, operations: int) -> list[Any]:
        """So many messages or a few more, in random order, one in twenty of them told again."""
        told: list[Any] = []
        while len(told) < operations:
            told += self.order()
            if self.random.random() < 0.02:
                told += self.payout()
            if self.random.random() < 0.05:
                told.insert(self.random.randrange(len(told)), self.random.choice(told))
        # Told out of order, yet not a year late: up to a twentieth of all, some twelve days, so that some come late.
        farthest = len(told) / 20
        keyed = [(place + self.random.uniform(0, farthest), place, message) for place, message in enumerate(told)]
        return [message for _, _, message in sorted(keyed, key=lambda one: one[:2])]

    def order(self) -> list[Any]:
        """One order with all that becomes of its money."""
        from orders import messages as said

        choose, books = self.random, self.books
        self.number += 1
        name, currency = f"o-{self.number}", choose.choice(CURRENCIES)
        at = BEGAN + timedelta(
            days=DAYS * self.number / max(self.number, OPERATIONS / 4), minutes=choose.random() * 900
        )
        total = choose.randrange(1, 200_000)
        unpaid, by_payment = choose.random() < 0.05, choose.random() < 0.5
        found: list[Any] = [
            said.OrderMessage(
                external_id=name,
                currency=currency,
                total_minor=total,
                placed_at=at,
                version=at,
                status=said.OrderStatus.PENDING,
                paid=not unpaid and not by_payment,
                customer=said.Customer(email=f"buyer{self.number % 997}@example.com"),
                lines=(said.Line(external_id="1", title="Book", quantity=1, total_minor=total),),
                payment_reference=f"pi_{name}",
            )
        ]
        if unpaid:
            books.by_order[name] = 0
            return found
        fee = choose.choice((None, total // 30))
        found.append(
            said.PaymentMessage(
                external_id=f"pi_{name}",
                amount_minor=total,
                currency=currency,
                status=said.PaymentStatus.CAPTURED,
                paid_at=at,
                version=at,
                order_external_id=name,
                charge_reference=f"ch_{name}",
                fee_minor=fee,
            )
        )
        told_by_balance = choose.random() < 0.5
        if told_by_balance:
            found.append(self.movement(said.BalanceKind.CAPTURED, total, name, currency, at, fee=total // 30))
        books.captured[currency] += total
        books.fees[currency] += total // 30 if told_by_balance or fee is not None else 0
        left = total - self.refunds(found, name, currency, total, at) - self.disputes(found, name, currency, total, at)
        books.by_order[name] = left
        return found

    def refunds(self, found: list[Any], name: str, currency: str, total: int, at: datetime) -> int:
        """Refunds in parts; returns what went back for good."""
        from orders import messages as said

        back = 0
        for part in range(self.random.choice((0, 0, 1, 2, 3))):
            amount = self.random.randrange(1, total // 3 + 2)
            if back + amount > total:
                break
            when = at + timedelta(days=self.random.random() * 60)
            steps = self.random.choice(
                (["succeeded"], ["pending"], ["pending", "succeeded"], ["succeeded", "failed"], ["pending", "failed"])
            )
            for rank, step in enumerate(steps):
                found.append(
                    said.RefundMessage(
                        external_id=f"re_{name}_{part}",
                        amount_minor=amount,
                        currency=currency,
                        status=said.RefundStatus(step),
                        refunded_at=when,
                        version=when + timedelta(days=rank),
                        rank=rank,
                        payment_reference=f"pi_{name}",
                    )
                )
            if steps[-1] == "succeeded":
                back += amount
                found.append(self.movement(said.BalanceKind.REFUND, -amount, f"{name}_{part}", currency, when, of=name))
        self.books.refunded[currency] += back
        return back

    def disputes(self, found: list[Any], name: str, currency: str, total: int, at: datetime) -> int:
        """At most one dispute; returns what was lost by it or is held."""
        from orders import messages as said

        if self.random.random() > 0.1:
            return 0
        when, amount = at + timedelta(days=self.random.random() * 60), self.random.randrange(1, total + 1)
        steps = ["opened", *self.random.choice(([], ["won"], ["lost"], ["won", "lost"], ["lost", "won"]))]
        for rank, step in enumerate(steps):
            found.append(
                said.DisputeMessage(
                    external_id=f"dp_{name}",
                    amount_minor=amount,
                    currency=currency,
                    status=said.DisputeStatus(step),
                    opened_at=when,
                    version=when + timedelta(days=10 * rank),
                    rank=rank,
                    payment_reference=f"pi_{name}",
                )
            )
        if steps[-1] == "opened":
            self.books.held[currency] += amount
        elif steps[-1] == "lost":
            self.books.lost[currency] += amount
        return 0 if steps[-1] == "won" else amount

    def movement(
        self, kind: Any, amount: int, name: str, currency: str, at: datetime, *, fee: int = 0, of: str = ""
    ) -> Any:
        from orders import messages as said

        self.waiting[currency] += amount - fee
        return said.BalanceMessage(
            external_id=f"txn_{kind}_{name}",
            kind=kind,
            amount_minor=amount,
            fee_minor=fee,
            currency=currency,
            at=at,
            version=at,
            payment_reference=f"pi_{of or name}" if kind != said.BalanceKind.FEE else "",
            payout_external_id=f"po_{currency}_{self.payouts}",
        )

    def payout(self) -> list[Any]:
        """What waits in one currency is paid out, after a fee for the account; one in ten payouts fails."""
        from orders import messages as said

        currency = self.random.choice(CURRENCIES)
        at = BEGAN + timedelta(days=DAYS * self.number / max(self.number, OPERATIONS / 4))
        tax = self.movement(said.BalanceKind.FEE, -self.random.randrange(1, 500), f"tax{self.payouts}", currency, at)
        amount, self.waiting[currency] = self.waiting[currency], 0
        steps = self.random.choice((["pending"], ["pending", "paid"], *[["paid"]] * 7, ["paid", "failed"]))
        found: list[Any] = [
            said.PayoutMessage(
                external_id=f"po_{currency}_{self.payouts}",
                amount_minor=amount,
                currency=currency,
                status=said.PayoutStatus(step),
                made_at=at,
                version=at,
                rank=("pending", "paid", "failed").index(step),
                complete=True,
            )
            for step in steps
        ]
        self.payouts += 1
        self.books.fees[currency] -= tax.amount_minor
        self.books.paid_out[currency] += amount if steps[-1] != "failed" else 0
        return [tax, *found]


def play(told: list[Any], organization: Any, channel: Any, *, close_months: bool = True) -> Iterator[int]:
    """Record batch after batch as the inbox does and settle as the workers do; closes months on the way."""
    from config import drains
    from orders.actions import facts, periods
    from orders.actions.statements import Said
    from profiles import tenancy
    from profiles.actions import settlement
    from profiles.actors import Actor

    months = [datetime(2026, month, 1, tzinfo=UTC).date() for month in range(3, 8)]
    places = {len(told) * (index + 1) // 6: month for index, month in enumerate(months)}
    for begin in range(0, len(told), BATCH):
        with tenancy.organization(organization.pk):
            batch = [Said(channel, message) for message in told[begin : begin + BATCH]]
            recorded = facts.record(batch, organization=organization)
            settlement.request(organization.pk, orders=recorded.orders, wake_worker=False)
        while drains.settlements(organization.pk):
            pass
        for place in [place for place in places if close_months and place < begin + BATCH]:
            with tenancy.organization(organization.pk):
                by = Actor.system("benchmark")
                periods.close(organization, places.pop(place), by=by, because="the month is over", with_earlier=True)
        yield min(BATCH, len(told) - begin)


def differences(books: Books, organization: Any) -> dict[str, int]:
    """By how many minor units each account of the same money is off, all currencies and orders together."""
    from django.db.models import Sum

    from orders.bookings import OF_THE_SALE
    from orders.models import LedgerEntry, Order, ProfileTotal
    from orders.queries import earnings, proofs_of_the_ledger

    entries = LedgerEntry.objects.filter(test=False)
    whole = dict(entries.values_list("currency").annotate(Sum("amount_minor")).order_by())
    sales = dict(entries.filter(kind__in=OF_THE_SALE).values_list("currency").annotate(Sum("amount_minor")).order_by())
    orders = dict(
        entries.filter(kind__in=OF_THE_SALE).values_list("order__external_id").annotate(Sum("amount_minor")).order_by()
    )
    months: dict[str, int] = defaultdict(int)
    for month in earnings.months(organization):
        for one in month.sums:
            months[one.currency] += one.amount_minor
    own = {
        currency: captured - refunded - lost
        for currency, captured, refunded, lost in Order.objects.values_list("currency").annotate(
            Sum("captured_minor"), Sum("refunded_minor"), Sum("disputed_minor")
        )
    }
    totals = dict(ProfileTotal.objects.values_list("currency").annotate(Sum("net_minor")).order_by())
    expected, held = books.whole(), books.held
    return {
        "ledger": sum(abs(whole.get(c, 0) - expected[c]) for c in CURRENCIES),
        "sales": sum(abs(sales.get(c, 0) - books.of_sales()[c]) for c in CURRENCIES),
        "each order": sum(abs(orders.get(name, 0) - net) for name, net in books.by_order.items()),
        "orders": sum(abs(own.get(c, 0) - held[c] - books.of_sales()[c]) for c in CURRENCIES),
        "customers": sum(abs(totals.get(c, 0) - held[c] - books.of_sales()[c]) for c in CURRENCIES),
        "months": sum(abs(months.get(c, 0) - expected[c]) for c in CURRENCIES),
        "proof": len(proofs_of_the_ledger.differences(organization)),
    }


def main() -> None:
    with rig.installation():
        from django.db import connection

        from config import databases
        from orders.actions import channels
        from orders.models import LedgerEntry, Period
        from orders.queries import earnings
        from profiles import tenancy
        from profiles.actions import organizations
        from profiles.actors import Actor

        by = Actor.system("benchmark")
        organization = organizations.create(
            "bench", name="Bench", currency="EUR", region="DE", timezone="Europe/Berlin", by=by
        )
        with tenancy.organization(organization.pk):
            channel = channels.connect(organization, kind="stripe", domain="b.example", calls_provider=False, by=by)
        trade = Trade(SEED)
        told = trade.tell(OPERATIONS)
        began = time.perf_counter()
        done = 0
        for count in play(told, organization, channel):
            done += count
            if done % (100 * BATCH) == 0:
                print(f"{done} of {len(told)} after {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        seconds = time.perf_counter() - began
        with databases.as_owner(), connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE orders_ledgerentry")
        with tenancy.organization(organization.pk):
            began = time.perf_counter()
            off = differences(trade.books, organization)
            proved = time.perf_counter() - began
            began = time.perf_counter()
            earnings.months(organization)
            months = time.perf_counter() - began
            rig.emit(
                benchmark="ledger",
                operations=len(told),
                orders=trade.number,
                payouts=trade.payouts,
                entries=LedgerEntry.objects.count(),
                late=LedgerEntry.objects.filter(late=True).count(),
                months_closed=Period.objects.count(),
                minor_units_off=off,
                seconds=round(seconds, 1),
                operations_a_second=round(len(told) / seconds),
                proof_seconds=round(proved, 2),
                months_page_ms=round(1000 * months, 1),
            )
            if os.environ.get("EXPLAIN"):
                with connection.cursor() as cursor:
                    cursor.execute("SET enable_seqscan = off")
                    cursor.execute(f"EXPLAIN ANALYZE {earnings._BY_MONTH}", ["2026-03-01", "2026-12-01"])
                    print("\n".join(row[0] for row in cursor.fetchall()))


if __name__ == "__main__":
    main()
