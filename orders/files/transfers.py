"""Rows of a payouts file as payouts and the orders each names.

A payout whose gross less fee is not its net is taken as it stands, and the difference is shown: the bank got the net.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from orders import money
from orders.files import cells
from orders.files.dialects import Recipe, Standing
from orders.files.sales import Reader
from orders.messages import PayoutMessage, PayoutStatus
from orders.parsing import Unreadable

NAMED_MOST = 5000
_STATUSES = {
    Standing.PAID: PayoutStatus.PAID,
    Standing.FAILED: PayoutStatus.FAILED,
    Standing.CANCELLED: PayoutStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Transfer:
    """One payout, read, and what is odd about it ('' if nothing)."""

    message: PayoutMessage
    remark: str = ""

    def shown(self) -> list[tuple[str, str]]:
        """In words by name, for whoever wants to see how a row is read."""
        said = self.message
        sums = (("Gross", said.gross_minor), ("Fee", said.fee_minor), ("Net", said.amount_minor))
        return [
            ("Payout", said.external_id),
            ("Date", f"{said.made_at:%Y-%m-%d %H:%M} UTC"),
            *((name, "" if minor is None else money.to_text(minor, said.currency)) for name, minor in sums),
            ("Currency", said.currency),
            ("Orders", ", ".join(said.order_external_ids[:5]) + (" …" if len(said.order_external_ids) > 5 else "")),
            ("Status", said.status.capitalize()),
        ]


class TransferReader(Reader):
    """Reads rows of a payouts file by one recipe."""

    def __init__(self, recipe: Recipe, *, version: datetime) -> None:
        super().__init__(recipe)
        self._version = version

    def transfer(self, row: Sequence[str]) -> Transfer:
        """One row; raises `Unreadable` with a sentence that names the column."""
        told = self._told
        currency = self._in("currency", cells.currency, row) if "currency" in self._at else self.recipe.currency
        net = self._amount("net", row, currency)
        if net is None:
            raise Unreadable("Net amount: it must not be empty.")
        gross, fee = self._amount("gross", row, currency), self._kept(row, currency)
        if gross is not None:
            # Refunds were taken out of the orders' money before it was paid out.
            gross -= abs(self._amount("refunds", row, currency) or 0)
        made_at, account = self._moment("payout_date", row), cells.text(told("account", row), 100)
        named = self._orders(row)
        standing = cells.word(told("status", row), self.recipe.statuses) if "status" in self._at else Standing.PAID
        message = PayoutMessage(
            external_id=self._id(row, made_at, net, account),
            amount_minor=net,
            currency=currency,
            status=_STATUSES.get(Standing(standing), PayoutStatus.PENDING) if standing else PayoutStatus.PENDING,
            made_at=made_at,
            version=self._version,
            gross_minor=gross,
            fee_minor=fee,
            destination=_tail(account),
            from_file=True,
            order_external_ids=named,
        )
        return Transfer(message, _remark(gross, fee, net, currency))

    def _kept(self, row: Sequence[str], currency: str) -> int | None:
        fee, tax = (self._amount(name, row, currency) for name in ("fee", "fee_tax"))
        return None if fee is None else fee + (tax or 0)

    def _orders(self, row: Sequence[str]) -> tuple[str, ...]:
        """The ids of its orders, each once."""
        parts = [part for part in self._told("order_ids", row).split(";") if cells.trim(part)]
        if len(parts) > NAMED_MOST:
            raise Unreadable(f"Order ids: more than {NAMED_MOST} orders in one payout are taken for a mistake.")
        try:
            return tuple(dict.fromkeys(cells.order_id(part) for part in parts))
        except Unreadable as unreadable:
            raise Unreadable(f"Order ids: {unreadable}") from None

    def _id(self, row: Sequence[str], made_at: datetime, net: int, account: str) -> str:
        """Its own number; without one its day, sum and account tell it from others."""
        if "payout_id" in self._at and cells.trim(self._told("payout_id", row)):
            return self._in("payout_id", cells.order_id, row)
        return f"{made_at:%Y-%m-%d}:{net}:{_tail(account)}"


def _tail(account: str) -> str:
    """The last characters of an account: enough to tell it, too little to use it."""
    plain = "".join(letter for letter in account if letter.isalnum())
    return f"…{plain[-4:]}" if plain else ""


def _remark(gross: int | None, fee: int | None, net: int, currency: str) -> str:
    if gross is None or fee is None or gross - fee == net:
        return ""
    shown = [money.to_text(minor, currency) for minor in (gross, fee, gross - fee, net, abs(gross - fee - net))]
    return "Gross {} less fee {} is {}, and its net says {}: a difference of {} is shown.".format(*shown)
