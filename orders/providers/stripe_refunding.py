"""Stripe: refunds by the official library (docs.stripe.com, API 2026-10-28)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orders import money
from orders.messages import RefundMessage
from orders.providers.refunding import Outcome, Refunded, Refunder, Shop, Stopped, TryLater, Unknown, Wanted
from orders.providers.stripe import Event, of_refund
from orders.records import Record

if TYPE_CHECKING:
    from stripe import StripeClient

OURS = "aftersale_refund"
"""The metadata by which a refund is found again."""
LISTED_AT_ONCE = 30


class StripeRefunder(Refunder):
    name = "Stripe"

    def lacking(self, credentials: Mapping[str, str]) -> str:
        return "" if credentials.get("api_key") else "api_key"

    def check(self, wanted: Wanted) -> None:
        money.to_stripe(wanted.amount_minor, wanted.currency)
        if not _payment(wanted):
            raise ValueError("No payment at Stripe is known for this order: refund it in Stripe's own dashboard.")

    def look(self, wanted: Wanted, shop: Shop) -> tuple[Refunded | None, Any]:
        import stripe

        from orders.providers import stripe_library

        client = stripe_library.client(shop)
        if not wanted.tried:
            return None, client
        try:
            found = _found(client, wanted, shop)
        except stripe.StripeError as error:
            later = TryLater(stripe_library.sentence(error), retry_after=stripe_library.wait(error))
            raise Stopped(later) from error
        except (ValueError, TypeError, AttributeError, KeyError) as odd:
            raise Stopped(TryLater(f"Stripe answered with something that is no list of refunds: {odd}"[:300])) from odd
        return (Refunded(found) if found is not None else None), client

    def make(self, wanted: Wanted, shop: Shop, seen: Any) -> Outcome:
        import stripe

        from orders.providers import stripe_library

        client: StripeClient = seen
        try:
            made = client.v1.refunds.create(_parameters(wanted), {"idempotency_key": wanted.reference}).to_dict()
        except stripe.StripeError as error:
            return stripe_library.outcome(error)
        message = _message(made, shop)
        if message is None or not _is(made, message, wanted):
            return Unknown("Stripe answered with another refund than the one asked for.")
        return Refunded(message)


def _payment(wanted: Wanted) -> dict[str, str]:
    if wanted.payment_reference:
        return {"payment_intent": wanted.payment_reference}
    return {"charge": wanted.charge_reference} if wanted.charge_reference else {}


def _parameters(wanted: Wanted) -> Any:
    return {
        **_payment(wanted),
        "amount": money.to_stripe(wanted.amount_minor, wanted.currency),
        "metadata": {OURS: wanted.reference},
    }


def _found(client: "StripeClient", wanted: Wanted, shop: Shop) -> RefundMessage | None:
    """The refund that a former try of ours made."""
    listed: Any = {**_payment(wanted), "limit": LISTED_AT_ONCE}
    for refund in client.v1.refunds.list(listed).auto_paging_iter():
        told = refund.to_dict()
        message = _message(told, shop)
        if message is not None and _is(told, message, wanted):
            return message
    return None


def _message(told: Mapping[str, Any], shop: Shop) -> RefundMessage | None:
    """The fact, read as the webhook's is; None for what is no refund."""
    thing = Record(told)
    if told.get("object") != "refund":
        return None
    (message,) = of_refund(Event("refund.updated", thing.epoch("created"), shop.test, thing))
    return message


def _is(told: Mapping[str, Any], message: RefundMessage, wanted: Wanted) -> bool:
    """Whether it is the one that was asked for: by our mark, sum and payment."""
    named = told.get("metadata") or {}
    return (
        named.get(OURS) == wanted.reference
        and (message.amount_minor, message.currency) == (wanted.amount_minor, wanted.currency)
        and (not wanted.payment_reference or message.payment_reference in ("", wanted.payment_reference))
    )
