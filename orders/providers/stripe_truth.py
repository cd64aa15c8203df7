"""Stripe by its official library: what happened since, and every payout with the balance transactions it is made of.

Events tell each change of the last 30 days just as the webhooks did. The lists behind them tell what is older, and what
no event was kept of; their word yields to any webhook's, which is younger than the thing it is about.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from orders.messages import ChannelFacts, Delivery, Ignored, Message, Unusable
from orders.providers import stripe_balance
from orders.providers.refunding import Shop
from orders.providers.stripe import READ_TOPICS, Event, Stripe, of_thing
from orders.providers.truth import READ_AT_MOST, SECONDS, Asked, Away, Cursor, Page, Truth
from orders.records import Record

if TYPE_CHECKING:
    from stripe import StripeClient

AT_ONCE: Final = 100
EVENTS_KEPT: Final = timedelta(days=29)
PAYOUTS_SETTLE: Final = timedelta(days=14)
"""A payout that old has come to its end."""
NOT_THERE: Final = 404


@dataclass(frozen=True, slots=True)
class Part:
    """One of the lists: its name, what is asked of it, and how a row is read."""

    name: str
    listed: Callable[["StripeClient"], Callable[[Any], Any]]
    read: Callable[[Record, Shop], Iterable[Message]]
    expand: tuple[str, ...] = ()


def _thing(topic: str) -> Callable[[Record, Shop], Iterable[Message]]:
    """Rows read as an event of this topic would be, at the moment they were made."""
    return lambda row, shop: of_thing(Event(topic, row.epoch("created"), shop.test, row))


def _event(row: Record, shop: Shop) -> Iterable[Message]:
    facts = ChannelFacts(kind=Stripe.kind, domain=shop.domain, test=shop.test)
    return Stripe().parse(Delivery(body=json.dumps(row.data).encode(), headers={}, channel=facts))


def _session(row: Record, shop: Shop) -> Iterable[Message]:
    return _thing("checkout.session.completed")(row, shop) if row.text("status", "complete") == "complete" else ()


def _payment(row: Record, shop: Shop) -> Iterable[Message]:
    return _thing("payment_intent.succeeded")(row, shop) if row.text("status") == "succeeded" else ()


def _charge(row: Record, shop: Shop) -> Iterable[Message]:
    return _thing("charge.succeeded")(row, shop) if row.text("status", "succeeded") == "succeeded" else ()


def _movement(row: Record, shop: Shop) -> Iterable[Message]:
    message = stripe_balance.of_movement(row, payout_id="", test=shop.test)
    return () if message is None else (message,)


PARTS: Final = (
    Part("events", lambda client: client.v1.events.list, _event),
    Part("checkouts", lambda client: client.v1.checkout.sessions.list, _session, ("data.line_items",)),
    Part("payments", lambda client: client.v1.payment_intents.list, _payment, ("data.latest_charge",)),
    Part("charges", lambda client: client.v1.charges.list, _charge, ("data.balance_transaction",)),
    Part("refunds", lambda client: client.v1.refunds.list, _thing("refund.updated")),
    Part("disputes", lambda client: client.v1.disputes.list, _thing("charge.dispute.updated")),
    Part("balance", lambda client: client.v1.balance_transactions.list, _movement, ("data.source",)),
)
PAYOUTS: Final = "payouts"
_NAMES: Final = (*(part.name for part in PARTS), PAYOUTS)


class StripeTruth(Truth):
    name = "Stripe"

    def lacking(self, credentials: Mapping[str, str]) -> str:
        return "" if credentials.get("api_key") else "api_key"

    def page(self, asked: Asked, after: Cursor, shop: Shop) -> Page:
        import stripe

        from orders.providers import stripe_library

        client = stripe_library.client(shop, seconds=SECONDS, at_most=READ_AT_MOST)
        name = str(after.get("part", _NAMES[0]))
        try:
            if name == PAYOUTS:
                return _payouts(client, asked, after, shop)
            return _part(client, next(part for part in PARTS if part.name == name), asked, after, shop)
        except stripe.StripeError as error:
            if error.http_status == NOT_THERE and name != PAYOUTS:
                return Page(after=_following(name))  # a list that this account has not
            raise Away(stripe_library.sentence(error), retry_after=stripe_library.wait(error)) from error
        except (ValueError, TypeError, AttributeError, KeyError) as odd:
            raise Away(f"Stripe answered with something that is no list of {name}: {odd}"[:300]) from odd


def _part(client: "StripeClient", part: Part, asked: Asked, after: Cursor, shop: Shop) -> Page:
    since = asked.since
    parameters: dict[str, Any] = {"limit": AT_ONCE}
    if part.name == "events":
        since = max(since, asked.until - EVENTS_KEPT)
        parameters["types"] = list(READ_TOPICS)
    parameters["created"] = {"gte": int(since.timestamp())}
    if part.expand:
        parameters["expand"] = list(part.expand)
    rows, more = _listed(part.listed(client), parameters, after)
    told, unreadable = _read(rows, lambda row: part.read(row, shop))
    return Page(messages=told, unreadable=unreadable, after=_next(part.name, rows, more) or _following(part.name))


def _payouts(client: "StripeClient", asked: Asked, after: Cursor, shop: Shop) -> Page:
    """One payout and a page of its rows at a time; those whose rows are known already are told without them."""
    waiting = list(after.get("waiting", ()))
    if waiting:
        return _rows_of(client, waiting, after, shop)
    parameters = {"limit": AT_ONCE, "created": {"gte": int((asked.since - PAYOUTS_SETTLE).timestamp())}}
    rows, more = _listed(client.v1.payouts.list, parameters, after)
    # All of its rows are known once they were read: until then its sum says nothing.
    told, unreadable = _read(rows, lambda row: (stripe_balance.of_payout(row, test=shop.test),))
    wanted = [
        {**_kept(row), "id": row.text("id")}
        for row in map(Record, rows)
        if stripe_balance.is_complete(row) and row.text("id") not in asked.settled
    ]
    following = _next(PAYOUTS, rows, more)
    resume = following["after"] if following else ""
    if wanted:
        return Page(messages=told, unreadable=unreadable, after={"part": PAYOUTS, "waiting": wanted, "resume": resume})
    return Page(messages=told, unreadable=unreadable, after=following)


def _kept(row: Record) -> dict[str, Any]:
    """As much of a payout as its message is made of, to be told as complete when its rows are known."""
    names = ("object", "amount", "currency", "status", "created", "arrival_date", "destination")
    return {name: row.data[name] for name in names if row.data.get(name) is not None}


def _rows_of(client: "StripeClient", waiting: list[Any], after: Cursor, shop: Shop) -> Page:
    payout = waiting[0]
    payout_id = str(payout["id"])
    parameters = {"limit": AT_ONCE, "payout": payout_id, "expand": ["data.source"]}
    place = {"after": after["row"]} if after.get("row") else {}
    rows, more = _listed(client.v1.balance_transactions.list, parameters, place)

    def read(row: Record) -> Iterable[Message]:
        message = stripe_balance.of_movement(row, payout_id=payout_id, test=shop.test)
        return () if message is None else (message,)

    told, unreadable = _read(rows, read)
    resume = after.get("resume", "")
    if more and rows:
        more_rows = {"part": PAYOUTS, "waiting": waiting, "resume": resume, "row": rows[-1]["id"]}
        return Page(messages=told, unreadable=unreadable, after=more_rows)
    if not unreadable:
        told = (*told, stripe_balance.of_payout(Record(payout), test=shop.test, complete=True))
    following: dict[str, Any] | None = None
    if waiting[1:]:
        following = {"part": PAYOUTS, "waiting": waiting[1:], "resume": resume}
    elif resume:
        following = {"part": PAYOUTS, "after": resume}
    return Page(messages=told, unreadable=unreadable, after=following)


def _listed(call: Callable[[Any], Any], parameters: dict[str, Any], after: Cursor) -> tuple[list[Any], bool]:
    if after.get("after"):
        parameters["starting_after"] = after["after"]
    told = call(parameters).to_dict()
    rows = told["data"]
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise TypeError("its data is no list of objects")
    return rows, bool(told.get("has_more"))


def _read(
    rows: Iterable[Any], read: Callable[[Record], Iterable[Message]]
) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    told: list[Message] = []
    unreadable: list[str] = []
    for row in rows:
        try:
            told += read(Record(row))
        except Ignored:
            continue
        except Unusable as unusable:
            unreadable.append(f"{str(row.get('id', '?'))[:100]}: {unusable}"[:300])
    return tuple(told), tuple(unreadable)


def _next(name: str, rows: list[Any], more: bool) -> dict[str, Any] | None:
    return {"part": name, "after": rows[-1]["id"]} if more and rows else None


def _following(name: str) -> dict[str, Any]:
    return {"part": _NAMES[_NAMES.index(name) + 1]}
