"""The demo's stories: each trouble the desk can put right, once, with somebody to look for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orders import imitation
from orders.generated import Article, Person, Purchase
from orders.imitation import Parcel
from orders.imitation.shopify import shopify_order

BOUNCED_ADDRESS = "mateus.oliveira@gmial.example"
BOUNCE = "550 5.1.1 The mail server of gmial.example knows no such mailbox."
SECOND_EDITION = Article(
    sku="EBOOK-TIDE-EN-2E", title="Tide Atlas, second edition", price_minor=4500, product_id="990", variant_id="990"
)


@dataclass(frozen=True, slots=True)
class Story:
    """A trouble, the sentence that invites to put it right, and what to type into the search box to find it."""

    title: str
    sentence: str
    search: str


STORIES: tuple[Story, ...] = (
    Story(
        "A mail that bounced",
        "Mateus mistyped his address: correct it on the order and mail the link again.",
        "Mateus Oliveira",
    ),
    Story("A quarantined delivery", "The shop sent a price nobody can read: see why, then dismiss it.", "LP-2002"),
    Story(
        "An unmapped product",
        "Hannah bought an edition the catalogue does not know: map it to Tide Atlas, and she gets her file.",
        "Hannah Schneider",
    ),
    Story("A dispute", "Oluwaseun's bank asks for the money back: see what was delivered, and when.", "Adeyemi"),
    Story("A partial refund of one line", "Chloé returned one of two books: her right to it is gone.", "Lefèvre"),
    Story(
        "A partial refund that names no line",
        "Kwame got part of his money back: decide what the refund covers.",
        "Kwame Mensah",
    ),
    Story("One person, two customers", "Yuki bought with two addresses: merge them, and undo it again.", "Yuki Tanaka"),
    Story(
        "An entitlement nobody claimed",
        "Inés bought as a guest twelve days ago and never fetched her book: mail her a new link.",
        "Inés Ortega",
    ),
    Story("An expired link", "Piotr's link ran out three days ago: mail him a new one.", "Piotr Kowalczyk"),
    Story(
        "An order without anybody", "Somebody bought at the till and left no name: link it to a customer.", "LP-2011"
    ),
    Story(
        "A product without a file",
        "Ayşe paid for a course whose workbook was never uploaded: add the file, and it is delivered by itself.",
        "Ayşe Yılmaz",
    ),
)


def purchases(until: datetime, shelf: Mapping[str, Article], currency: str) -> list[Purchase]:
    """What the people of the stories bought."""

    def bought(mark: int, kind: str, person: Person | None, *skus: str, days: float) -> Purchase:
        at = (until - timedelta(days=days)).replace(microsecond=0)
        articles = tuple(shelf[sku] for sku in skus)
        return Purchase(kind=kind, mark=mark, person=person, articles=articles, currency=currency, placed_at=at)

    def refunded(purchase: Purchase, how: str, minor: int, reason: str) -> Purchase:
        at = purchase.placed_at + timedelta(days=1, hours=3)
        return replace(purchase, refund=how, refunded_at=at, refund_minor=minor, refund_reason=reason)

    unmapped = bought(2003, "woocommerce", _HANNAH, "EBOOK-TIDE-EN", days=2.2)
    disputed = bought(2004, "stripe", _OLUWASEUN, "EBOOK-STAR-EN", days=9.4)
    two_books = bought(2005, "shopify", _CHLOE, "EBOOK-TIDE-EN", "EBOOK-HARB-EN", days=6.1)
    goodwill = bought(2006, "stripe", _KWAME, "TRAIN-COAST", days=7.3)
    return [
        bought(2001, "shopify", _MATEUS, "EBOOK-TIDE-EN", days=0.9),
        replace(unmapped, articles=(SECOND_EDITION,)),
        replace(disputed, dispute="opened", disputed_at=until.replace(microsecond=0) - timedelta(days=1.5)),
        refunded(two_books, "line", 0, "Already had Harbour Sketches in print"),
        refunded(goodwill, "amount", 4000, "Goodwill: lesson nine came late"),
        bought(2007, "shopify", _YUKI, "EBOOK-STAR-EN", days=40.6),
        bought(2008, "woocommerce", _YUKI_AGAIN, "EBOOK-KNOT-EN", days=3.7),
        bought(2009, "stripe", _INES, "EBOOK-HARB-EN", days=12.2),
        bought(2010, "woocommerce", _PIOTR, "EBOOK-TIDE-EN", days=5.1),
        bought(2011, "shopify", None, "EBOOK-KNOT-EN", days=1.4),
        bought(2012, "stripe", _AYSE, "TRAIN-NIGHT", days=0.6),
    ]


def unreadable(until: datetime, shelf: Mapping[str, Article], currency: str) -> Parcel:
    """An authentic delivery with a price as no shop sends it."""
    at = (until - timedelta(days=0.3)).replace(microsecond=0)
    purchase = Purchase(
        kind="shopify", mark=2002, person=_ASTRID, articles=(shelf["EBOOK-TIDE-EN"],), currency=currency, placed_at=at
    )
    order = shopify_order(purchase)
    order["total_price"] = "thirty-nine"
    return imitation.parcel("shopify", "orders/paid", order, mark="2002-1")


def _person(first: str, last: str, email: str, country: str, city: str) -> Person:
    return Person(first=first, last=last, email=email, country=country, city=city)


_MATEUS = _person("Mateus", "Oliveira", BOUNCED_ADDRESS, "BR", "Recife")
_ASTRID = _person("Astrid", "Lindqvist", "astrid.lindqvist@post.example", "SE", "Visby")
_HANNAH = _person("Hannah", "Schneider", "hannah.schneider@post.example", "DE", "Kiel")
_OLUWASEUN = _person("Oluwaseun", "Adeyemi", "o.adeyemi@mail.example", "NG", "Lagos")
_CHLOE = _person("Chloé", "Lefèvre", "chloe.lefevre@inbox.example", "FR", "Brest")
_KWAME = _person("Kwame", "Mensah", "kwame.mensah@letters.example", "GH", "Tema")
_YUKI = _person("Yuki", "Tanaka", "yuki.tanaka@mail.example", "JP", "Kobe")
_YUKI_AGAIN = _person("Yuki", "Tanaka", "y.tanaka@studio.example", "JP", "Kobe")
_INES = _person("Inés", "Ortega", "ines.ortega@home.example", "ES", "Cádiz")
_PIOTR = _person("Piotr", "Kowalczyk", "piotr.kowalczyk@mail.example", "PL", "Gdynia")
_AYSE = _person("Ayşe", "Yılmaz", "ayse.yilmaz@post.example", "TR", "İzmir")
