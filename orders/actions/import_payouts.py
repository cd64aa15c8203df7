"""A portion of a payouts file: what becomes of each row, and the payouts of those that bring something."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from orders import money
from orders.actions import facts
from orders.actions.import_outcomes import Judged
from orders.actions.statements import Said
from orders.files.dialects import Recipe
from orders.files.gatherings import key_of
from orders.files.tables import Row
from orders.files.transfers import Transfer, TransferReader
from orders.messages import PayoutMessage, PayoutStatus
from orders.models import Import, ImportRow, Payout
from orders.parsing import Unreadable

Outcome = ImportRow.Outcome
_RANKS = {PayoutStatus.PENDING: 0, PayoutStatus.PAID: 1, PayoutStatus.FAILED: 2}
_NAMED = """
SELECT named, p.external_id FROM orders_payout p, unnest(p.order_external_ids) AS named
 WHERE p.channel_id = %s AND p.order_external_ids && %s::text[] AND named = ANY(%s::text[])
   AND p.status <> 'failed' ORDER BY p.id
"""


class Known(NamedTuple):
    """A payout as it stands."""

    external_id: str
    currency: str
    amount_minor: int
    gross_minor: int | None
    fee_minor: int | None
    at: datetime
    status: str
    from_file: bool
    order_external_ids: list[str]


def judge(imported: Import, recipe: Recipe, rows: Sequence[Row], *, taking: bool) -> list[Judged]:
    """What becomes of each row; where the import is being taken, its payouts are recorded."""
    reader = TransferReader(recipe, version=imported.version)
    judged: list[Judged] = []
    read: list[tuple[Judged, Transfer]] = []
    for row in rows:
        one = Judged(row, key=key_of(row, recipe), reason=row.problem)
        judged.append(one)
        if not row.problem:
            try:
                transfer = reader.transfer(row.cells)
            except Unreadable as unreadable:
                one.reason = str(unreadable)
                continue
            one.key = transfer.message.external_id
            read.append((one, transfer))
    if taking:
        facts.lock([Said(imported.channel, transfer.message) for _, transfer in read])
    known = _known(imported, [one.key for one, _ in read])
    paid_out = _paid_out(imported, [name for _, transfer in read for name in transfer.message.order_external_ids])
    bringing: list[PayoutMessage] = []
    for one, transfer in read:
        one.outcome, one.reason = _judge(transfer, known.get(one.key), paid_out)
        if one.outcome in ImportRow.TOLD:
            known[one.key] = _as_known(transfer.message)
            for name in transfer.message.order_external_ids:
                paid_out.setdefault(name, one.key)
            bringing.append(transfer.message)
    if taking and bringing:
        facts.record([Said(imported.channel, message) for message in bringing], organization=imported.organization)
    return judged


def _known(imported: Import, keys: Sequence[str]) -> dict[str, Known]:
    rows = Payout.objects.filter(channel=imported.channel_id, external_id__in=keys).values_list(*Known._fields)
    return {row[0]: Known._make(row) for row in rows}


def _paid_out(imported: Import, names: Sequence[str]) -> dict[str, str]:
    """In which payout each of these orders is named already."""
    if not names:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, [imported.channel_id, list(names), list(names)])
        found: dict[str, str] = {}
        for name, payout in cursor.fetchall():
            found.setdefault(name, payout)
    return found


def _as_known(message: PayoutMessage) -> Known:
    return Known(
        message.external_id,
        message.currency,
        message.amount_minor,
        message.gross_minor,
        message.fee_minor,
        message.made_at,
        message.status.value,
        True,
        list(message.order_external_ids),
    )


def _judge(transfer: Transfer, known: Known | None, paid_out: dict[str, str]) -> tuple[str, str]:
    message, known_as = transfer.message, transfer.message.external_id
    named = message.order_external_ids
    elsewhere = next((name for name in named if paid_out.get(name, known_as) != known_as), None)
    if elsewhere is not None:
        return Outcome.CONFLICT, f"Order {elsewhere} is in payout {paid_out[elsewhere]} already."
    if known is None:
        return Outcome.NEW, transfer.remark
    stands = f"{money.to_text(known.amount_minor, known.currency)} {known.currency}"
    says = f"{money.to_text(message.amount_minor, message.currency)} {message.currency}"
    agrees = (known.currency, known.amount_minor) == (message.currency, message.amount_minor)
    if not known.from_file:
        if agrees:
            return Outcome.SAME, "Its provider itself has told of it: that stands."
        return (
            Outcome.CONFLICT,
            f"Its provider says {stands}, and this file says {says}: its own word stands.",
        )
    if known == _as_known(message):
        return Outcome.SAME, "It was imported before, and says the same."
    if known.status == PayoutStatus.FAILED and message.status != PayoutStatus.FAILED:
        return Outcome.NEW, "Brought back after an import of it was undone."
    if not agrees:
        return Outcome.CONFLICT, f"It was imported with {stands}, and this file says {says}."
    if _RANKS[message.status] < _RANKS[PayoutStatus(known.status)]:
        return Outcome.CONFLICT, "An import before this one knows it paid: a file takes nothing back."
    return Outcome.UPDATE, transfer.remark or "Details changed, its amount did not."
