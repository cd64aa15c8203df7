"""Recording payments, refunds and disputes: the newest word of each, with what only an older one told."""

from collections.abc import Mapping, Sequence

from orders.actions.statements import Said, digest
from orders.messages import DisputeMessage, PaymentMessage, RefundMessage
from orders.models import Dispute, Payment, Refund
from orders.models.money import MoneyFact
from profiles import bulk
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

_UNTOLD: tuple[object, ...] = ("", None, [])


def record(model: type[MoneyFact], said: Sequence[Said], organization: Organization) -> tuple[set[int], set[int]]:
    """Write what these messages say; returns the facts written, and the orders of those that were known before."""
    if not said:
        return set(), set()
    newest: dict[tuple[int, str], MoneyFact] = {}
    for s in said:
        row = _money(model, s, organization)
        key = (s.channel.pk, row.external_id)
        other = newest.get(key, row)
        newer, older = (other, row) if _money_version(row) <= _money_version(other) else (row, other)
        _fill(newer, older)
        newest[key] = newer
    known = {
        (row.channel_id, row.external_id): row
        for row in model._base_manager.select_for_update(no_key=True)
        .filter(channel_id__in={c for c, _ in newest}, external_id__in={e for _, e in newest})
        .order_by("pk")
    }
    fresh: list[MoneyFact] = []
    changed: list[MoneyFact] = []
    for key, row in newest.items():
        former = known.get(key)
        if former is None:
            fresh.append(row)
        elif _money_version(former) < _money_version(row):
            row.pk, row.order_id = former.pk, former.order_id
            _fill(row, former)
            changed.append(row)
        elif _fill(former, row):
            changed.append(former)
    bulk.insert(model, fresh)
    bulk.update(model, changed, [*MONEY_FIELDS, *OWN_FIELDS[model]])
    return {row.pk for row in [*fresh, *changed]}, {row.order_id for row in changed if row.order_id}


def _money_version(row: MoneyFact) -> tuple[object, int, str]:
    return (row.version, row.rank, row.digest)


def _fill(newer: MoneyFact, older: MoneyFact) -> bool:
    """What only the older word tells is kept beside the newer, whichever came first; true if anything was."""
    names = ["order_external_id", "payment_reference", "charge_reference"]
    if isinstance(newer, Payment):
        names += ["method", "last4", "fee_minor"]
    if isinstance(newer, Refund):
        # Stripe and WooCommerce never say what a refund covers: only whoever asked for it here knows.
        names.append("covered_lines")
    filled = [name for name in names if getattr(newer, name) in _UNTOLD and getattr(older, name) not in _UNTOLD]
    for name in filled:
        setattr(newer, name, getattr(older, name))
    return bool(filled)


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
