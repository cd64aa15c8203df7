"""The made-up press's catalogue: what the demo organization and generated data sell, with files built on the spot."""

import io
from dataclasses import dataclass

from fulfillment import samples
from fulfillment.actions import assets
from orders import money
from orders.actions import products
from orders.generated import Article
from orders.models import Product
from profiles.actors import Actor
from profiles.models import Organization

AUTHOR = "Lantern Press"


@dataclass(frozen=True, slots=True)
class Entry:
    """One product: `units` is its price in whole units of the currency, `formats` the files it is delivered as."""

    sku: str
    title: str
    kind: str
    units: int
    formats: tuple[str, ...] = ()
    about: str = ""


CATALOGUE: tuple[Entry, ...] = (
    Entry("EBOOK-TIDE-EN", "Tide Atlas", "ebook", 39, ("pdf", "epub"), "Twelve months of tides, hour by hour."),
    Entry("EBOOK-HARB-EN", "Harbour Sketches", "ebook", 23, ("epub",), "Drawings of forty small harbours."),
    Entry("EBOOK-STAR-EN", "Stars over the North Sea", "ebook", 29, ("pdf", "epub"), "Finding the way by night."),
    Entry("EBOOK-KNOT-EN", "Forty Knots", "ebook", 14, ("pdf",), "Each knot in six steps."),
    Entry("EBOOK-GALE-DE", "Sturmkunde", "ebook", 34, ("pdf", "epub"), "Wie ein Sturm entsteht und vergeht."),
    Entry("PACK-LOGBOOK", "Logbook templates", "digital", 19, ("zip",), "Templates for a year at sea."),
    Entry("TRAIN-COAST", "Coastal navigation, self-study", "training", 120, ("pdf",), "Workbook in twelve lessons."),
    Entry("SERV-PASSAGE", "Passage planning, one hour", "service", 180),
)
WITHOUT_FILE = Entry("TRAIN-NIGHT", "Night sailing, self-study", "training", 95)


def stock(organization: Organization, *, by: Actor, entries: tuple[Entry, ...] = CATALOGUE) -> list[Article]:
    """Make or update these products with their files and the names shops have for them; returns what is on sale."""
    return [_add(organization, entry, number, by) for number, entry in enumerate(entries)]


def article(entry: Entry, number: int, currency: str) -> Article:
    """What a shop sells as this product."""
    minor = entry.units * 10 ** money.exponent(currency)
    return Article(
        sku=entry.sku,
        title=entry.title,
        price_minor=minor,
        variant_id=str(50_398_370_000_000 + number),
        product_id=str(811 + number),
    )


def _add(organization: Organization, entry: Entry, number: int, by: Actor) -> Article:
    sold = article(entry, number, organization.currency)
    product = products.add(
        organization=organization,
        sku=entry.sku,
        title=entry.title,
        kind=entry.kind,
        price=money.to_text(sold.price_minor, organization.currency),
        currency=organization.currency,
        listings=[
            ("shopify", sold.variant_id),
            ("woocommerce", sold.product_id),
            ("stripe", f"price_{entry.sku.lower()}"),
        ],
        by=by,
    )
    for suffix in entry.formats:
        _attach(product, entry, suffix, by)
    return sold


def _attach(product: Product, entry: Entry, suffix: str, by: Actor) -> None:
    name = entry.title.lower().replace(",", "").replace(" ", "-")
    lines = [entry.about, "", "This file was made for trying things out.", f"SKU {entry.sku}"]
    content = {
        "pdf": lambda: samples.pdf(entry.title, lines),
        "epub": lambda: samples.epub(entry.title, AUTHOR, lines),
        "zip": lambda: samples.archive({"logbook.csv": "date,from,to,wind,notes\n", "read-me.txt": "\n".join(lines)}),
    }[suffix]()
    assets.add(product, io.BytesIO(content), filename=f"{name}.{suffix}", by=by)
