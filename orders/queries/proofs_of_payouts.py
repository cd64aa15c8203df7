"""Proof of a payout: its lines summed by kind, with fees, what was carried and converted, make the deposit or differ.

Minor units of the payout's own currency. Where only a file spoke of the payout, its gross and fee stand for the lines.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q, Sum

from orders.messages import BalanceKind
from orders.models import Payout, PayoutLine

STEPS: Final = (
    (BalanceKind.CAPTURED, "Payments"),
    (BalanceKind.REFUND, "Refunds"),
    (BalanceKind.REFUND_FAILED, "Refunds that failed"),
    (BalanceKind.DISPUTE, "Disputes"),
    (BalanceKind.DISPUTE_REVERSED, "Disputes won back"),
    (BalanceKind.FEE, "Fees of the account"),
    (BalanceKind.ADJUSTMENT, "Adjustments"),
    (BalanceKind.CARRIED, "Carried balance"),
    (BalanceKind.CONVERSION, "Conversion"),
    (BalanceKind.UNKNOWN, "Unknown movements"),
)
"""The sum of a payout in the order a person follows it."""
LINE_FEES: Final = "Fees of these movements"


@dataclass(frozen=True, slots=True)
class Step:
    """One addend of the sum."""

    kind: str
    words: str
    lines: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Proof:
    """The sum of one payout, and by how much it differs from the deposit and the deposit from the bank's word."""

    payout: Payout
    steps: tuple[Step, ...]
    lines: int
    total_minor: int
    foreign: int
    unlinked: int

    @property
    def told_as_a_whole(self) -> bool:
        """Only the whole is known: a file gave gross and fee, and no line."""
        return not self.lines and self.payout.gross_minor is not None

    @property
    def whole(self) -> bool:
        """Whether all that it is made of is known, so that a difference is one."""
        return self.payout.complete or self.told_as_a_whole

    @property
    def difference_minor(self) -> int | None:
        """The deposit less the sum; None while not all of its lines are known."""
        return self.payout.amount_minor - self.total_minor if self.whole else None

    @property
    def bank_difference_minor(self) -> int | None:
        """What the bank shows less the deposit; None while nobody has said what it shows."""
        return None if self.payout.bank_minor is None else self.payout.bank_minor - self.payout.amount_minor

    @property
    def agrees(self) -> bool:
        return not self.foreign and self.difference_minor == 0 and self.bank_difference_minor in (None, 0)


@dataclass(frozen=True, slots=True)
class Transit:
    """Money of one channel and currency that has not reached the bank: not paid out yet, or under way."""

    channel_id: int
    currency: str
    waiting_minor: int = 0
    waiting_lines: int = 0
    under_way_minor: int = 0
    under_way_payouts: int = 0


def prove(payouts: Sequence[Payout]) -> list[Proof]:
    """The proof of each of these payouts, in one query."""
    rows: dict[int, list[tuple[str, str, int, int, int, int]]] = defaultdict(list)
    sums = (
        PayoutLine.objects.filter(payout__in=[payout.pk for payout in payouts])
        .values_list("payout_id", "kind", "currency")
        .annotate(lines=Count("pk"), amount=Sum("amount_minor"), fees=Sum("fee_minor"), unlinked=_UNLINKED)
        .order_by()
    )
    for payout_id, *row in sums:
        rows[payout_id].append(tuple(row))
    return [_proof(payout, rows[payout.pk]) for payout in payouts]


_UNLINKED = Count(
    "pk",
    filter=Q(order__isnull=True, kind__in=["captured", "refund", "refund_failed", "dispute", "dispute_reversed"]),
)


def _proof(payout: Payout, rows: Sequence[tuple[str, str, int, int, int, int]]) -> Proof:
    own = [row for row in rows if row[1] == payout.currency]
    steps = []
    for kind, words in STEPS:
        found = [row for row in own if row[0] == kind.value]
        if found:
            steps.append(Step(kind.value, words, sum(row[2] for row in found), sum(row[3] for row in found)))
    fees = sum(row[4] for row in own)
    if fees:
        steps.append(Step("line_fees", LINE_FEES, 0, -fees))
    lines = sum(row[2] for row in rows)
    if not lines and payout.gross_minor is not None:
        steps.append(Step("gross", "Gross, as the file says", 0, payout.gross_minor))
        steps.append(Step("line_fees", "Fees, as the file says", 0, -(payout.fee_minor or 0)))
    return Proof(
        payout=payout,
        steps=tuple(steps),
        lines=lines,
        total_minor=sum(step.amount_minor for step in steps),
        foreign=sum(row[2] for row in rows if row[1] != payout.currency),
        unlinked=sum(row[5] for row in rows),
    )


def in_transit() -> list[Transit]:
    """What is on its way to the bank, by channel and currency; test facts left out. Two queries."""
    found: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    waiting = PayoutLine.objects.filter(payout__isnull=True, test=False).values_list("channel_id", "currency")
    for channel_id, currency, amount, lines in waiting.annotate(Sum("net_minor"), Count("pk")).order_by():
        found[channel_id, currency] |= {"waiting_minor": amount, "waiting_lines": lines}
    moving = Payout.objects.filter(status=Payout.Status.PENDING, test=False).values_list("channel_id", "currency")
    for channel_id, currency, amount, payouts in moving.annotate(Sum("amount_minor"), Count("pk")).order_by():
        found[channel_id, currency] |= {"under_way_minor": amount, "under_way_payouts": payouts}
    return [Transit(channel_id, currency, **sums) for (channel_id, currency), sums in sorted(found.items())]
