"""manage.py verify_storefront: do the shops' pages answer, and do they say what the catalogue says."""

from typing import Any

from django.core.management import CommandError

from config import progress, storefronts
from config.commands import OrganizationCommand
from orders.actions import storefronts as actions
from orders.models import Channel, Product, StorefrontPage
from profiles import tenancy
from profiles.actions import organizations
from profiles.actors import Actor

BY = Actor.system("command line")


class Command(OrganizationCommand):
    help = (
        "Look at the product and checkout pages of the shops. Example:"
        " verify_storefront --organization lantern --channel woocommerce:store.example"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--channel", help="kind:domain; every channel where left out")
        parser.add_argument("--watch", metavar="URL", help="look at this page too, from now on; needs --channel")
        parser.add_argument("--sku", help="the product that the page of --watch shows")
        parser.add_argument("--checkout", action="store_true", help="the page of --watch is a checkout")

    def run(self, **options: Any) -> None:
        organization_id = organizations.find(options["organization_slug"])
        with tenancy.organization(organization_id):
            channel = _channel(options["channel"])
            if options["watch"]:
                _watch(channel, options)
        with progress.bar("Looking at the shops", None) as done:
            pages = storefronts.verify(organization_id, channel=channel, told=done)
        odd = [page for page in pages if page.state != StorefrontPage.State.WELL]
        document = {
            "pages": [
                {
                    "channel": page.channel.label,
                    "url": page.url,
                    "purpose": page.purpose,
                    "sku": page.product.sku if page.product else None,
                    "state": page.state,
                    "trouble": page.trouble,
                }
                for page in pages
            ],
            "well": len(pages) - len(odd),
            "odd": len(odd),
        }
        words = [f"{page.url}: {page.get_state_display().lower()}. {page.trouble}" for page in odd]
        self.say("\n".join([f"{len(pages)} pages looked at, {len(odd)} need a look.", *words]), document)


def _channel(named: str | None) -> Channel | None:
    if named is None:
        return None
    kind, _, domain = named.partition(":")
    found = Channel.objects.filter(kind=kind, domain=domain.lower()).first()
    if found is None:
        raise CommandError(f"There is no channel {named}.")
    return found


def _watch(channel: Channel | None, options: dict[str, Any]) -> None:
    if channel is None:
        raise CommandError("--watch needs --channel: say whose page it is.")
    product = Product.objects.filter(sku=options["sku"]).first() if options["sku"] else None
    if options["sku"] and product is None:
        raise CommandError(f"There is no product {options['sku']}.")
    actions.watch(
        channel, options["watch"], product=product, checkout=options["checkout"], by=BY, because="Asked by command"
    )
