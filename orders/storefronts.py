"""Reading what a shop's page says it sells, and telling where that is not what the catalogue says (SPEC CHN-13)."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser

from orders import money
from orders.parsing import clean

_META = {
    "og:title": "title",
    "twitter:title": "title",
    "product:price:amount": "price",
    "og:price:amount": "price",
    "product:price:currency": "currency",
    "og:price:currency": "currency",
}
_MOST_TEXT = 300
_SPACES = re.compile(r"\s+")
_MARKS = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page says of what it sells, as it is written there; empty text where it says nothing."""

    title: str = ""
    price: str = ""
    currency: str = ""


def read(body: bytes, *, charset: str = "utf-8") -> Seen:
    """What is sold on a page: by its structured data (schema.org), else its meta tags, else its title.

    A document of WooCommerce's Store API is read as well. Never raises.
    """
    text = clean(_decoded(body, charset))
    if text.lstrip().startswith("{"):
        return _of_store(_json(text))
    page = _Page()
    try:
        page.feed(text)
        page.close()
    except (ValueError, AssertionError):  # a page that is no page says as much as was read of it
        pass
    found = Seen(**{name: _short(page.meta.get(name, "")) for name in ("title", "price", "currency")})
    for script in page.scripts:
        for thing in _things(_json(script)):
            found = _filled(_of_product(thing), found)
    return _filled(found, Seen(title=_short(page.title)))


def differences(seen: Seen, *, title: str, price_minor: int | None, currency: str) -> list[str]:
    """In sentences, where a page does not say what the catalogue says; a page that names no price is one of them."""
    found = []
    if not seen.title:
        found.append("The page names no product.")
    elif not _alike(seen.title, title):
        found.append(f"The page says “{seen.title}”, the catalogue “{title}”.")
    if price_minor is None:
        return found
    ours = f"{money.to_text(price_minor, currency)} {currency}"
    if not seen.price:
        return [*found, f"The page names no price; the catalogue says {ours}."]
    shown = f"{seen.price} {seen.currency}".strip()
    try:
        agrees = money.to_minor(_plain(seen.price), seen.currency or currency) == price_minor
    except money.MoneyError:
        return [*found, f"The page's price, {shown}, is not an amount of money; the catalogue says {ours}."]
    if not agrees or (seen.currency and seen.currency.upper() != currency):
        found.append(f"The page says {shown}, the catalogue {ours}.")
    return found


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        return body.decode("utf-8", "replace")


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return None


def _things(value: object, depth: int = 0) -> Iterator[Mapping[str, object]]:
    """Every product in a document of structured data, however it is nested."""
    if depth > 5:
        return
    if isinstance(value, list):
        for one in value:
            yield from _things(one, depth + 1)
    elif isinstance(value, Mapping):
        sort = value.get("@type")
        if "Product" in (sort if isinstance(sort, list) else [sort]):
            yield value
        for name in ("@graph", "mainEntity", "hasVariant"):
            yield from _things(value.get(name), depth + 1)


def _of_product(thing: Mapping[str, object]) -> Seen:
    offers = thing.get("offers")
    offer = offers[0] if isinstance(offers, list) and offers else offers
    told: Mapping[str, object] = offer if isinstance(offer, Mapping) else {}
    inner = told.get("priceSpecification")
    spec = inner[0] if isinstance(inner, list) and inner else inner
    more: Mapping[str, object] = spec if isinstance(spec, Mapping) else {}
    price = told.get("price") or told.get("lowPrice") or more.get("price")
    return Seen(
        title=_short(thing.get("name")),
        price=_short(price),
        currency=_short(told.get("priceCurrency") or more.get("priceCurrency")),
    )


def _of_store(value: object) -> Seen:
    """WooCommerce's Store API counts whole minor units and says how many decimals that is."""
    told: Mapping[str, object] = value if isinstance(value, Mapping) else {}
    prices = told.get("prices")
    if not isinstance(prices, Mapping):
        return Seen(title=_short(told.get("name")))
    digits, places = _short(prices.get("price")), _short(prices.get("currency_minor_unit")) or "2"
    price = ""
    if digits.isdecimal() and places.isdecimal() and int(places) <= 4:
        digits = digits.rjust(int(places) + 1, "0")
        price = f"{digits[: len(digits) - int(places)]}.{digits[len(digits) - int(places) :]}".rstrip(".")
    return Seen(title=_short(told.get("name")), price=price, currency=_short(prices.get("currency_code")))


def _filled(found: Seen, other: Seen) -> Seen:
    missing = {name: getattr(other, name) for name in ("title", "price", "currency") if not getattr(found, name)}
    return replace(found, **missing)


def _short(value: object) -> str:
    return _SPACES.sub(" ", value).strip()[:_MOST_TEXT] if isinstance(value, str) else ""


def _plain(price: str) -> str:
    """Structured data must have a decimal point; without one a comma before two digits is taken for it."""
    text = price.replace("\u00a0", "").replace(" ", "")
    return text.replace(",", ".") if "." not in text and re.fullmatch(r"\d+,\d{2}", text) else text


def _alike(seen: str, ours: str) -> bool:
    """The shop may add its own name: the catalogue's words must stand in the page's title."""
    return _MARKS.sub(" ", ours.casefold()).strip() in _MARKS.sub(" ", seen.casefold())


class _Page(HTMLParser):
    """Title, meta tags and structured data of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.meta: dict[str, str] = {}
        self.scripts: list[str] = []
        self.title = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "meta":
            name = _META.get((given.get("property") or given.get("name") or "").lower())
            if name:
                self.meta.setdefault(name, given.get("content", ""))
        elif tag == "script" and given.get("type", "").lower() == "application/ld+json":
            self._inside = "script"
            self.scripts.append("")
        elif tag == "title" and not self.title:
            self._inside = "title"

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside == "title":
            self.title += data
