"""Recording payouts and the movements of a provider's balance: the newest word of each, whatever the order of arrival.

A movement may come before its payout, its order or both; each finds the other when it comes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from orders.actions import newest
from orders.actions.statements import Said, digest
from orders.messages import BalanceMessage, PayoutMessage
from orders.models import Payout, PayoutLine
from profiles import prepared
from profiles.models import Organization

PAYOUT_FIELDS = [
    "status",
    "amount_minor",
    "gross_minor",
    "fee_minor",
    "currency",
    "at",
    "arrives_on",
    "destination",
    "complete",
    "order_external_ids",
    "from_file",
    "test",
    "version",
    "rank",
    "digest",
]
LINE_FIELDS = [
    "payout",
    "payout_external_id",
    "kind",
    "amount_minor",
    "fee_minor",
    "net_minor",
    "currency",
    "at",
    "source_reference",
    "payment_reference",
    "order_external_id",
    "described",
    "test",
    "version",
    "rank",
    "digest",
]
_KEPT_OF_PAYOUTS = ["gross_minor", "fee_minor", "arrives_on", "destination"]
_KEPT_OF_LINES = ["payout_external_id", "source_reference", "payment_reference", "order_external_id", "described"]
Row = TypeVar("Row", Payout, PayoutLine)


def record_payouts(said: Sequence[Said], organization: Organization) -> set[int]:
    """Write what these messages say of payouts; returns the payouts whose facts changed."""
    rows = [_payout(s, organization) for s in said if isinstance(s.message, PayoutMessage)]
    return _write(Payout, rows, PAYOUT_FIELDS, _fill_payout)


def record_lines(said: Sequence[Said], organization: Organization) -> set[int]:
    """Write what these messages say of the balance's movements; returns the lines whose facts changed."""
    rows = [_line(s, organization) for s in said if isinstance(s.message, BalanceMessage)]
    return _write(PayoutLine, rows, LINE_FIELDS, partial(newest.fill, names=_KEPT_OF_LINES))


def _write(model: type[Row], rows: Sequence[Row], fields: Sequence[str], fill: Callable[[Row, Row], bool]) -> set[int]:
    written = newest.keep(model, rows, fields=fields, version=_version, fill=fill, succeed=_succeed)
    return {row.pk for row, _ in written}


def _version(row: Payout | PayoutLine) -> tuple[bool, object, int, str]:
    """A file's word of a payout stands below any of the provider's own."""
    return (not getattr(row, "from_file", False), row.version, row.rank, row.digest)


def _succeed(row: Payout | PayoutLine, former: Payout | PayoutLine) -> None:
    if isinstance(row, PayoutLine) and isinstance(former, PayoutLine):
        row.order_id = former.order_id
        if row.payout_external_id in ("", former.payout_external_id):
            row.payout_id = former.payout_id


def _fill_payout(newer: Payout, older: Payout) -> bool:
    filled = newest.fill(newer, older, _KEPT_OF_PAYOUTS)
    if older.complete and not newer.complete:
        newer.complete = filled = True
    return filled


def _payout(s: Said, organization: Organization) -> Payout:
    message = s.message
    assert isinstance(message, PayoutMessage)
    return Payout(
        organization=organization,
        channel=s.channel,
        external_id=message.external_id,
        status=message.status.value,
        amount_minor=message.amount_minor,
        gross_minor=message.gross_minor,
        fee_minor=message.fee_minor,
        currency=message.currency,
        at=message.made_at,
        arrives_on=message.arrives_on,
        destination=message.destination[:100],
        complete=message.complete,
        order_external_ids=list(message.order_external_ids),
        from_file=message.from_file,
        test=message.test or s.channel.test,
        version=message.version,
        rank=message.rank,
        digest=digest(message),
    )


def _line(s: Said, organization: Organization) -> PayoutLine:
    message = s.message
    assert isinstance(message, BalanceMessage)
    return PayoutLine(
        organization=organization,
        channel=s.channel,
        external_id=message.external_id,
        payout_external_id=message.payout_external_id,
        kind=message.kind.value,
        amount_minor=message.amount_minor,
        fee_minor=message.fee_minor,
        net_minor=message.amount_minor - message.fee_minor,
        currency=message.currency,
        at=message.at,
        source_reference=message.source_reference,
        payment_reference=message.payment_reference,
        order_external_id=message.order_external_id,
        described=message.described[:300],
        test=message.test or s.channel.test,
        version=message.version,
        rank=message.rank,
        digest=digest(message),
    )


# What waited for its payout or its order

_TO_PAYOUTS = """
UPDATE orders_payoutline l SET payout_id = found.payout_id FROM (
  SELECT l.id, p.id AS payout_id FROM orders_payoutline l
    JOIN orders_payout p ON p.external_id = l.payout_external_id AND p.channel_id = l.channel_id
   WHERE l.id = ANY(%s) AND l.payout_id IS NULL AND l.payout_external_id <> ''
  UNION
  SELECT l.id, p.id FROM orders_payout p
    JOIN orders_payoutline l ON l.payout_external_id = p.external_id AND l.channel_id = p.channel_id
                            AND l.payout_external_id <> '' AND l.payout_id IS NULL
   WHERE p.id = ANY(%s)
) found WHERE l.id = found.id RETURNING l.id, l.payout_id
"""
_ORDERS_OF_LINES = """
WITH said AS MATERIALIZED (
  SELECT channel_id, order_external_id, payment_reference, source_reference FROM orders_payoutline
   WHERE id = ANY(%s) AND order_id IS NULL
)
SELECT o.id FROM said s JOIN orders_order o ON o.external_id = s.order_external_id AND o.channel_id = s.channel_id
 WHERE s.order_external_id <> ''
UNION
SELECT o.id FROM said s
  JOIN orders_order o ON o.payment_reference = s.payment_reference AND o.channel_id = s.channel_id
                     AND o.payment_reference <> ''
UNION
SELECT o.id FROM said s
  JOIN orders_order o ON o.charge_reference = s.source_reference AND o.channel_id = s.channel_id
                     AND o.charge_reference <> ''
UNION
SELECT p.order_id FROM said s
  JOIN orders_payment p ON p.external_id = s.payment_reference AND p.channel_id = s.channel_id
 WHERE s.payment_reference <> '' AND p.order_id IS NOT NULL
UNION
SELECT p.order_id FROM said s
  JOIN orders_payment p ON p.charge_reference = s.source_reference AND p.channel_id = s.channel_id
                       AND p.charge_reference <> ''
 WHERE p.order_id IS NOT NULL
UNION
SELECT r.order_id FROM said s
  JOIN orders_refund r ON r.external_id = s.source_reference AND r.channel_id = s.channel_id
 WHERE s.source_reference <> '' AND r.order_id IS NOT NULL
UNION
SELECT d.order_id FROM said s
  JOIN orders_dispute d ON d.external_id = s.source_reference AND d.channel_id = s.channel_id
 WHERE s.source_reference <> '' AND d.order_id IS NOT NULL
"""
# Each order by all of its names, against what waits under them: three look-ups, however many lines wait.
_TO_ORDERS = """
WITH named AS MATERIALIZED (
  SELECT id AS order_id, channel_id, 'order' AS sort, external_id AS name FROM orders_order WHERE id = ANY(%(orders)s)
  UNION ALL
  SELECT id, channel_id, 'payment', payment_reference FROM orders_order
   WHERE id = ANY(%(orders)s) AND payment_reference <> ''
  UNION ALL
  SELECT id, channel_id, 'source', charge_reference FROM orders_order
   WHERE id = ANY(%(orders)s) AND charge_reference <> ''
  UNION ALL
  SELECT order_id, channel_id, 'payment', external_id FROM orders_payment WHERE order_id = ANY(%(orders)s)
  UNION ALL
  SELECT order_id, channel_id, 'source', charge_reference FROM orders_payment
   WHERE order_id = ANY(%(orders)s) AND charge_reference <> ''
  UNION ALL
  SELECT order_id, channel_id, 'source', external_id FROM orders_refund WHERE order_id = ANY(%(orders)s)
  UNION ALL
  SELECT order_id, channel_id, 'source', external_id FROM orders_dispute WHERE order_id = ANY(%(orders)s)
), found AS (
  SELECT l.id, n.order_id FROM named n
    JOIN orders_payoutline l ON l.order_external_id = n.name AND l.channel_id = n.channel_id
                            AND l.order_id IS NULL AND l.order_external_id <> ''
   WHERE n.sort = 'order'
  UNION
  SELECT l.id, n.order_id FROM named n
    JOIN orders_payoutline l ON l.payment_reference = n.name AND l.channel_id = n.channel_id
                            AND l.order_id IS NULL AND l.payment_reference <> ''
   WHERE n.sort = 'payment'
  UNION
  SELECT l.id, n.order_id FROM named n
    JOIN orders_payoutline l ON l.source_reference = n.name AND l.channel_id = n.channel_id
                            AND l.order_id IS NULL AND l.source_reference <> ''
   WHERE n.sort = 'source'
)
UPDATE orders_payoutline l SET order_id = f.order_id
  FROM (SELECT id, min(order_id) AS order_id FROM found GROUP BY id) f
 WHERE l.id = f.id RETURNING l.id, l.order_id
"""


def link(payouts: set[int], lines: set[int], orders: set[int]) -> tuple[set[int], set[int], set[int]]:
    """Give lines the payout and the order that are known now.

    Returns the payouts, lines and orders to settle: those given and those that found each other.
    """
    payouts, lines, orders = set(payouts), set(lines), set(orders)
    if payouts or lines:
        for line_id, payout_id in _pairs(_TO_PAYOUTS, [sorted(lines), sorted(payouts)]):
            lines.add(line_id)
            payouts.add(payout_id)
    concerned = set(orders)
    if lines:
        concerned |= {order_id for (order_id,) in _pairs(_ORDERS_OF_LINES, [sorted(lines)])}
        known = PayoutLine.objects.filter(pk__in=lines).values_list("order_id", "payout_id")
        for order_id, payout_id in known:
            orders |= {order_id} - {None}
            payouts |= {payout_id} - {None}
    if concerned:
        for line_id, order_id in _pairs(_TO_ORDERS, {"orders": sorted(concerned)}):
            lines.add(line_id)
            orders.add(order_id)
    return payouts, lines, orders


def _pairs(sql: str, parameters: Any) -> list[tuple[int, ...]]:
    return prepared.fetch(sql, parameters)
