"""The demo's stories: each trouble the desk can put right, once, with somebody to look for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orders import imitation
from orders.generated import Article, Person, Purchase
from orders.imitation import Parcel
from orders.imitation.shopify import shopify_order
from profiles.events import Told

BOUNCED_ADDRESS = "mateus.oliveira@gmial.example"
BOUNCE = "550 5.1.1 The mail server of gmial.example knows no such mailbox."
SECOND_EDITION = Article(
    sku="EBOOK-TIDE-EN-2E", title="Tide Atlas, second edition", price_minor=4500, product_id="990", variant_id="990"
)


TILL_NUMBER = "KDK-1187"


@dataclass(frozen=True, slots=True)
class Story:
    """A trouble, the sentence that invites to put it right, and what to type into the search box to find it."""

    title: str
    sentence: str
    search: str
    page: str = ""
    """The name of the desk's page it stands on, where no search leads to it."""


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
        "Inés bought as a guest twelve days ago and never opened her library: mail her the claim link.",
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
    Story(
        "A customer in a store",
        "Defne looked at a book three times this week and is at the Kadıköy store now: tell them, then acknowledge.",
        "Defne Kaya",
        page="attribution_storealert_changelist",
    ),
    Story(
        "A payout that came short",
        "The bank got 12.50 less than the week's payments say: see line by line why, then confirm or write it off.",
        "po_demo",
        page="support_discrepancy_changelist",
    ),
    Story(
        "A file with two broken rows",
        "The old shop's export came in: four rows were taken, two say why not. Correct them and hand it in again.",
        "old-shop",
        page="orders_import_changelist",
    ),
    Story(
        "A month to close",
        "Everything before it is closed: look at last month's report, then close it.",
        "month",
        page="orders_period_changelist",
    ),
    Story(
        "An event without anybody",
        "Somebody put Stars over the North Sea in a cart and left no name: link it to a customer, and take it back.",
        "EBOOK-STAR-EN",
        page="unattached",
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


def happened(until: datetime) -> list[Told]:
    """What people did besides buying: Defne's week, ending at a till, and a cart that nobody is known by."""

    def event(name: str, type_: str, days: float, identifiers: Mapping[str, str], **payload: object) -> Told:
        at = (until - timedelta(days=days)).replace(microsecond=0)
        return Told(
            event_id=f"demo-{name}", type=type_, occurred_at=at, source="", identifiers=identifiers, payload=payload
        )

    cookie, seen = {"cookie_id": "d3f-2041"}, "EBOOK-STAR-EN"
    phone = {"phone": "+902165550142"}
    known = {**cookie, **phone, "email": "defne.kaya@post.example"}
    sold = (until - timedelta(hours=1)).replace(microsecond=0)
    return [
        event("view-1", "product_view", 5.2, cookie, sku=seen, page="/books/stars-over-the-north-sea"),
        event("mail", "email_opened", 4.1, known, subject="Winter nights at sea"),
        event("view-2", "product_view", 3.1, cookie, sku=seen, page="/books/stars-over-the-north-sea"),
        event("view-3", "product_view", 0.9, cookie, sku=seen, page="/books/stars-over-the-north-sea"),
        event(
            "till", "pos_transaction", 1 / 24, phone,
            transaction_id=TILL_NUMBER, store_id="KDK", store_name="Kadıköy", currency="EUR", total="180.00",
            timestamp=sold.isoformat(), payment_method="card", customer={"name": "Defne Kaya"},
            items=[{"product_id": "SERV-PASSAGE", "product_name": "Passage plan", "price": "180.00", "quantity": 1}],
        ),
        event("nobody", "cart", 0.4, {}, sku=seen, page="/cart"),
    ]  # fmt: skip


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
