"""Customer events as their sources tell them: which types have words, and which products a payload names (PRO-9)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

TYPE = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)
LARGEST_PAYLOAD = 65_536
MOST_IDENTIFIERS = 20
MOST_PRODUCTS = 50
LONGEST_NAME = 255
LONGEST_DETAIL = 160

POS_TRANSACTION = "pos_transaction"

# Type → its title where the payload names a product, and where it does not. Any other type is shown by its own name.
WORDS: Mapping[str, tuple[str, str]] = {
    "purchase": ("Bought {}", "Bought something"),
    POS_TRANSACTION: ("Paid at the till for {}", "Paid at the till"),
    "order_updated": ("Order of {} updated", "Order updated"),
    "cart": ("Put {} in the cart", "Filled a cart"),
    "cart_abandoned": ("Left {} in the cart", "Left a cart"),
    "checkout_started": ("Began to pay for {}", "Began to pay"),
    "checkout_completed": ("Paid for {}", "Paid"),
    "product_view": ("Looked at {}", "Looked at a product"),
    "product_inquiry": ("Asked about {}", "Asked about a product"),
    "price_check": ("Asked for the price of {}", "Asked for a price"),
    "message": ("Wrote about {}", "Wrote a message"),
    "email_opened": ("Opened an e-mail about {}", "Opened an e-mail"),
    "email_clicked": ("Followed a link in an e-mail about {}", "Followed a link in an e-mail"),
    "download": ("Downloaded {}", "Downloaded a file"),
    "page_view": ("Opened a page about {}", "Opened a page"),
    "button_clicked": ("Pressed a button for {}", "Pressed a button"),
    "button_click": ("Pressed a button for {}", "Pressed a button"),
    "review_submitted": ("Reviewed {}", "Wrote a review"),
    "review": ("Reviewed {}", "Wrote a review"),
    "search": ("Searched for {}", "Searched the shop"),
    "signup": ("Signed up for {}", "Signed up"),
}
FUNNEL_TYPES = (
    "begin_checkout",
    "button_click",
    "button_clicked",
    "checkout_completed",
    "checkout_start",
    "checkout_started",
    "initiate_checkout",
    "purchase",
    "review",
    "review_submitted",
)
"""From a button to a review: of these types boards count every event, and so the table has an index of them."""
# What of a payload a person reads below the title, most telling first.
_DETAILS = ("subject", "text", "query", "page", "url", "button", "title", "store_name", "store_id")
_LISTS = ("items", "lines", "products")
_NAMES = ("sku", "product_sku", "product_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event as its source tells it. `identifiers` are the fields as sent; `payload` is plain JSON, exact texts."""

    event_id: str
    type: str
    occurred_at: datetime
    source: str
    identifiers: Mapping[str, str] = field(default_factory=dict)
    payload: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""


def title(type_: str, products: Sequence[str]) -> str:
    """What happened, as a person says it: "Looked at EBOOK-1"."""
    about, alone = WORDS.get(type_, ("", ""))
    if not about:
        named = type_.replace("_", " ").capitalize()
        return f"{named}: {_listed(products)}" if products else named
    return about.format(_listed(products)) if products else alone


def detail(payload: Mapping[str, Any]) -> str:
    """The one text of a payload that tells most, cut; "" where there is none."""
    for name in _DETAILS:
        value = payload.get(name)
        if isinstance(value, str) and value.strip():
            text = " ".join(value.split())
            return text if len(text) <= LONGEST_DETAIL else f"{text[: LONGEST_DETAIL - 1]}…"
    return ""


def products_of(payload: Mapping[str, Any]) -> list[str]:
    """The SKUs (else the product ids) a payload names, in `sku`, `product` or a list of items; sorted, each once."""
    found = {name for name in _named(payload) if name}
    return sorted(found)[:MOST_PRODUCTS]


def programme_of(payload: Mapping[str, Any]) -> str:
    """The loyalty programme the payload names, "" where it names none."""
    value = payload.get("loyalty_programme")
    return value.strip() if isinstance(value, str) else ""


def _named(payload: Mapping[str, Any]) -> Iterator[str]:
    yield _name(payload, _NAMES)
    product = payload.get("product")
    yield _name(product, (*_NAMES, "id")) if isinstance(product, Mapping) else _text(product)
    for name in _LISTS:
        items = payload.get(name)
        for item in items if isinstance(items, list) else ():
            yield _name(item, (*_NAMES, "id")) if isinstance(item, Mapping) else _text(item)


def _name(record: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((text for name in names if (text := _text(record.get(name)))), "")


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()[:LONGEST_NAME]


def _listed(products: Sequence[str]) -> str:
    if len(products) <= 2:
        return " and ".join(products)
    return f"{products[0]} and {len(products) - 1} more"
