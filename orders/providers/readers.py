"""The APIs of Shopier, Etsy, Square and Clover as far as single orders are read from them."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from orders.providers import clover, etsy, square
from orders.providers.reading import Reader, RefusedForGood, Shop, Stopped, TryLater, Wanted
from orders.providers.refunding import READ_AT_MOST, asked_to_wait, document, record
from orders.records import Record
from profiles.providers import outgoing

SQUARE_VERSION = "2026-10-15"


class ShopierReader(Reader):
    name, base = "Shopier", "https://api.shopier.com/v1"

    def ask(self, wanted: Wanted, shop: Shop) -> object:
        return self.get(f"/orders/{quote(wanted.external_id, safe='')}", shop)


class EtsyReader(Reader):
    """Both halves of the key go with each call; the token lives an hour and its successor is fetched when it ended."""

    name, base = "Etsy", "https://openapi.etsy.com/v3/application"
    hosts = frozenset({"api.etsy.com"})
    needs = ("keystring", "shared_secret", "access_token", "shop_id")
    renews = True

    def headers(self, shop: Shop) -> Mapping[str, str]:
        key = f"{shop.credentials['keystring']}:{shop.credentials['shared_secret']}"
        return {"x-api-key": key, **super().headers(shop)}

    def ask(self, wanted: Wanted, shop: Shop) -> object:
        assert wanted.thing == etsy.RECEIPT
        shop_id = quote(shop.credentials["shop_id"], safe="")
        return self.get(f"/shops/{shop_id}/receipts/{quote(wanted.external_id, safe='')}", shop)

    def renew(self, shop: Shop) -> Mapping[str, str]:
        """The next pair of tokens: the former refresh token is spent with this."""
        if not shop.credentials.get("refresh_token"):
            raise Stopped(RefusedForGood("Etsy's access token is over and there is no refresh_token: connect again."))
        form = {
            "grant_type": "refresh_token",
            "client_id": shop.credentials["keystring"],
            "refresh_token": shop.credentials["refresh_token"],
        }
        address = self.address(shop).removesuffix("/application") + "/public/oauth/token"
        try:
            answer = outgoing.request(
                "POST",
                address,
                content=urlencode(form).encode(),
                headers={"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
                inside=shop.inside,
                at_most=READ_AT_MOST,
            )
        except outgoing.Forbidden as forbidden:
            raise Stopped(RefusedForGood(f"Etsy: {forbidden}")) from forbidden
        except outgoing.Unreachable as lost:
            raise Stopped(TryLater(str(lost))) from lost
        if answer.status == 429 or answer.status >= 500:
            wait = asked_to_wait(answer.headers.get("retry-after", ""))
            raise Stopped(TryLater(f"Etsy answered {answer.status} when asked for a token.", retry_after=wait))
        told = record(document(answer.body))
        found = {name: told.text(name) for name in ("access_token", "refresh_token")} if told is not None else {}
        if answer.status != 200 or not all(found.values()) or not found:
            raise Stopped(RefusedForGood("Etsy gave no new access token: connect the channel again."))
        return found


class SquareReader(Reader):
    name, base = "Square", "https://connect.squareup.com"
    hosts = frozenset({"connect.squareupsandbox.com"})

    def headers(self, shop: Shop) -> Mapping[str, str]:
        return {"square-version": SQUARE_VERSION, **super().headers(shop)}

    def ask(self, wanted: Wanted, shop: Shop) -> object:
        """The order with its customer: an order names them only by an id."""
        assert wanted.thing == square.ORDER
        told = record(self.get(f"/v2/orders/{quote(wanted.external_id, safe='')}", shop))
        order = told.record_or_empty("order") if told is not None else None
        if order is None or not order.data:
            raise Stopped(TryLater("Square answered without the order asked for."))
        buyer = order.reference("customer_id") or next(
            (name for tender in order.records_or_empty("tenders") if (name := tender.reference("customer_id"))), ""
        )
        person = None
        if buyer:
            known = record(self.get(f"/v2/customers/{quote(buyer, safe='')}", shop, optional=True))
            person = known.record_or_empty("customer").data if known is not None else None
        return {"order": order.data, "customer": person}


class CloverReader(Reader):
    name, base = "Clover", "https://api.clover.com"
    hosts = frozenset({"api.eu.clover.com", "api.la.clover.com", "apisandbox.dev.clover.com"})

    def ask(self, wanted: Wanted, shop: Shop) -> object:
        """The payment, the order that it is for, and the customer with their addresses."""
        merchant = f"/v3/merchants/{quote(wanted.account or shop.domain, safe='')}"
        payment, name = None, wanted.external_id
        if wanted.thing == clover.PAYMENT:
            payment = record(self.get(f"{merchant}/payments/{quote(wanted.external_id, safe='')}", shop))
            name = payment.record_or_empty("order").reference("id") if payment is not None else ""
        order = None
        if name:
            address = f"{merchant}/orders/{quote(name, safe='')}?expand=lineItems,customers,payments,refunds"
            order = record(self.get(address, shop, optional=payment is not None))
        return {
            "payment": dict(payment.data) if payment is not None else None,
            "order": self._with_people(order, merchant, shop) if order is not None else None,
        }

    def _with_people(self, order: Record, merchant: str, shop: Shop) -> dict[str, object]:
        people = []
        for person in order.record_or_empty("customers").records_or_empty("elements")[:1]:
            address = f"{merchant}/customers/{quote(person.external_id('id'), safe='')}"
            known = record(self.get(f"{address}?expand=emailAddresses,phoneNumbers", shop, optional=True))
            people.append(dict(known.data if known is not None else person.data))
        return {**order.data, "customers": {"elements": people}}
