"""manage.py add_product: a product, its files or components, and the names channels have for it."""

from pathlib import Path
from typing import Any

from config.commands import OrganizationCommand
from fulfillment.actions import assets, bundles
from orders.actions import products
from profiles.actors import Actor, Invalid
from profiles.models import Organization


class Command(OrganizationCommand):
    help = "Add or update a product: add_product --organization lantern --sku E-1 --title 'Tide Atlas' --kind ebook …"

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--sku", required=True)
        parser.add_argument("--title", required=True)
        parser.add_argument("--kind", required=True)
        parser.add_argument("--price", required=True)
        parser.add_argument("--currency", required=True)
        parser.add_argument("--file", action="append", default=[], metavar="PATH")
        parser.add_argument("--component", action="append", default=[], metavar="SKU", help="of a bundle")
        parser.add_argument("--listing", action="append", default=[], metavar="KIND:EXTERNAL_ID")

    def run_in(self, organization: Organization, **options: Any) -> None:
        listings = []
        for text in options["listing"]:
            kind, colon, external_id = text.partition(":")
            if not colon or not external_id:
                raise Invalid("A listing is given as KIND:EXTERNAL_ID.")
            listings.append((kind, external_id))
        files = [Path(path) for path in options["file"]]
        if absent := [path for path in files if not path.is_file()]:
            raise Invalid(f"There is no file {absent[0]}.")
        by = Actor.system("command line")
        product = products.add(
            organization=organization,
            sku=options["sku"],
            title=options["title"],
            kind=options["kind"],
            price=options["price"],
            currency=options["currency"].upper(),
            listings=listings,
            by=by,
        )
        bundles.fill(product, options["component"], by=by)
        for path in files:
            with path.open("rb") as content:
                assets.add(product, content, filename=path.name, by=by)
        self.say(f"{product.sku}: {product.title}", {"product": product.sku, "files": len(files)})
