"""Money facts for the tests, told as providers tell them, and what the ledger says of them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from config import drains
from orders.actions import channels, facts
from orders.actions.statements import Said
from orders.messages import (
    BalanceKind,
    BalanceMessage,
    Customer,
    DisputeMessage,
    DisputeStatus,
    Line,
    Message,
    OrderMessage,
    OrderStatus,
    PaymentMessage,
    PaymentStatus,
    PayoutMessage,
    PayoutStatus,
    RefundMessage,
    RefundStatus,
)
from orders.models import LedgerEntry
from profiles.actions import organizations, settlement
from tests.stage import BY, DOMAINS, Stage


class Books(Stage):
    """A stage with two channels and nothing on sale: all that money needs."""

    def __post_init__(self) -> None:
        self.organization = organizations.create(
            self.slug, name=self.slug.title(), currency="EUR", region="DE", timezone="Europe/Berlin", by=BY
        )
        for kind in ("stripe", "api"):
            with self.inside():
                self.channels[kind] = channels.connect(
                    self.organization, kind=kind, domain=DOMAINS[kind], secret="s", calls_provider=False, by=BY
                )


START = datetime(2026, 9, 14, 12, tzinfo=UTC)


def at(days: int = 0, minutes: int = 0) -> datetime:
    """So long after the first sale."""
    return START + timedelta(days=days, minutes=minutes)


def order(name: str = "o-1", total: int = 3120, **more: Any) -> OrderMessage:
    """A paid order."""
    moment = more.pop("placed_at", START)
    usual: dict[str, Any] = {
        "external_id": name,
        "currency": "EUR",
        "total_minor": total,
        "placed_at": moment,
        "version": moment,
        "status": OrderStatus.PENDING,
        "paid": True,
        "customer": Customer(email=f"{name}@example.com"),
        "lines": (Line(external_id="1", title="Tide Atlas", quantity=1, total_minor=total, sku="EBOOK-TIDE-EN"),),
        "payment_reference": f"pi_{name}",
    }
    return OrderMessage(**{**usual, **more})


def payment(name: str = "o-1", amount: int = 3120, **more: Any) -> PaymentMessage:
    usual: dict[str, Any] = {
        "external_id": f"pi_{name}",
        "amount_minor": amount,
        "currency": "EUR",
        "status": PaymentStatus.CAPTURED,
        "paid_at": START,
        "version": START,
        "charge_reference": f"ch_{name}",
    }
    return PaymentMessage(**{**usual, **more})


def refund(name: str = "o-1", amount: int = 500, number: int = 1, **more: Any) -> RefundMessage:
    moment = more.pop("refunded_at", at(1))
    usual: dict[str, Any] = {
        "external_id": f"re_{name}_{number}",
        "amount_minor": amount,
        "currency": "EUR",
        "status": RefundStatus.SUCCEEDED,
        "refunded_at": moment,
        "version": moment,
        "payment_reference": f"pi_{name}",
    }
    return RefundMessage(**{**usual, **more})


def dispute(name: str = "o-1", amount: int = 3120, **more: Any) -> DisputeMessage:
    usual: dict[str, Any] = {
        "external_id": f"dp_{name}",
        "amount_minor": amount,
        "currency": "EUR",
        "status": DisputeStatus.OPENED,
        "opened_at": at(2),
        "version": at(2),
        "payment_reference": f"pi_{name}",
    }
    return DisputeMessage(**{**usual, **more})


def movement(kind: BalanceKind, amount: int, name: str = "o-1", **more: Any) -> BalanceMessage:
    usual: dict[str, Any] = {
        "external_id": f"txn_{kind}_{name}",
        "kind": kind,
        "amount_minor": amount,
        "currency": "EUR",
        "at": at(minutes=1),
        "version": at(minutes=1),
        "payment_reference": f"pi_{name}" if name else "",
    }
    return BalanceMessage(**{**usual, **more})


def payout(amount: int, name: str = "po_1", **more: Any) -> PayoutMessage:
    usual: dict[str, Any] = {
        "external_id": name,
        "amount_minor": amount,
        "currency": "EUR",
        "status": PayoutStatus.PAID,
        "made_at": at(3),
        "version": at(3),
        "rank": 1,
        "complete": True,
    }
    return PayoutMessage(**{**usual, **more})


def later(message: Any, **more: Any) -> Any:
    """The same thing, said anew: a day later unless it says when."""
    return replace(message, **{"version": message.version + timedelta(days=1), **more})


def tell(stage: Stage, *messages: Message, kind: str = "stripe", settle: bool = True) -> None:
    """Record these facts, and settle what follows."""
    with stage.inside():
        said = [Said(stage.channels[kind], message) for message in messages]
        recorded = facts.record(said, organization=stage.organization)
        settlement.request(stage.organization.pk, orders=recorded.orders)
    if settle:
        work(stage)


def work(stage: Stage) -> None:
    """Settle until nothing waits."""
    while drains.settlements(stage.organization.pk):
        pass


def booked(stage: Stage, *kinds: str, **which: Any) -> dict[str, int]:
    """The sums of the ledger by currency; of these kinds alone where some are named."""
    found: dict[str, int] = defaultdict(int)
    for entry in entries(stage, **which):
        if not kinds or entry.kind in kinds:
            found[entry.currency] += entry.amount_minor
    return dict(found)


def by_kind(rows: Iterable[LedgerEntry]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for entry in rows:
        found[entry.kind] += entry.amount_minor
    return {kind: amount for kind, amount in found.items() if amount}


def entries(stage: Stage, **which: Any) -> list[LedgerEntry]:
    with stage.inside():
        return list(LedgerEntry.objects.filter(**which).order_by("pk"))
