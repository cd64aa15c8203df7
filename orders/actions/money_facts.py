"""Recording payments, refunds and disputes: the newest word of each, with what only an older one told."""

from collections.abc import Mapping, Sequence

from orders.actions import newest
from orders.actions.statements import Said, digest
from orders.messages import DisputeMessage, PaymentMessage, RefundMessage
from orders.models import Dispute, Payment, Refund
from orders.models.money import MoneyFact
from profiles.models import Organization

MONEY_FIELDS = [
    "order_external_id",
    "payment_reference",
    "charge_reference",
    "amount_minor",
    "currency",
    "at",
    "test",
    "version",
    "rank",
    "digest",
    "status",
]
OWN_FIELDS: Mapping[type[MoneyFact], list[str]] = {
    Payment: ["method", "last4", "fee_minor"],
    Refund: ["shop_amount_minor", "shop_currency", "reason", "covered_lines"],
    Dispute: ["reason", "evidence_due_at"],
}

# Stripe and WooCommerce never say what a refund covers: only whoever asked for it here knows.
_KEPT: Mapping[type[MoneyFact], list[str]] = {
    Payment: ["order_external_id", "payment_reference", "charge_reference", "method", "last4", "fee_minor"],
    Refund: ["order_external_id", "payment_reference", "charge_reference", "covered_lines"],
    Dispute: ["order_external_id", "payment_reference", "charge_reference"],
}


def record(model: type[MoneyFact], said: Sequence[Said], organization: Organization) -> tuple[set[int], set[int]]:
    """Write what these messages say; returns the facts written, and the orders of those that were known before."""
    written = newest.keep(
        model,
        (_money(model, s, organization) for s in said),
        fields=[*MONEY_FIELDS, *OWN_FIELDS[model]],
        version=lambda row: (row.version, row.rank, row.digest),
        fill=lambda newer, older: newest.fill(newer, older, _KEPT[model]),
        succeed=_succeed,
    )
    return {row.pk for row, _ in written}, {row.order_id for row, known in written if known and row.order_id}


def _succeed(row: MoneyFact, former: MoneyFact) -> None:
    row.order_id = former.order_id


def _money(model: type[MoneyFact], s: Said, organization: Organization) -> MoneyFact:
    message = s.message
    assert isinstance(message, PaymentMessage | RefundMessage | DisputeMessage)
    row = model(
        organization=organization,
        channel=s.channel,
        external_id=message.external_id,
        order_external_id=message.order_external_id,
        charge_reference=message.charge_reference,
        amount_minor=message.amount_minor,
        currency=message.currency,
        test=message.test or s.channel.test,
        version=message.version,
        rank=message.rank,
        digest=digest(message),
    )
    row.status = message.status.value  # type: ignore[attr-defined]
    if isinstance(message, PaymentMessage):
        assert isinstance(row, Payment)
        row.payment_reference, row.at = message.external_id, message.paid_at
        row.method, row.last4, row.fee_minor = message.method[:60], message.last4[:4], message.fee_minor
    elif isinstance(message, RefundMessage):
        assert isinstance(row, Refund)
        row.payment_reference, row.at = message.payment_reference, message.refunded_at
        row.shop_amount_minor, row.shop_currency = message.shop_amount_minor, message.shop_currency
        row.reason = message.reason
        row.covered_lines = [f"{line.line_external_id}×{line.quantity}" for line in message.lines]
    else:
        assert isinstance(row, Dispute)
        row.payment_reference, row.at = message.payment_reference, message.opened_at
        row.reason, row.evidence_due_at = message.reason[:100], message.evidence_due_at
    return row
