"""manage.py connect_channel: connect a source of purchases, or rotate its secret."""

from typing import Any

from config.commands import OrganizationCommand
from orders.actions import channels
from profiles.actors import Actor, Invalid
from profiles.models import Organization


class Command(OrganizationCommand):
    help = (
        "Connect a channel: connect_channel --organization lantern --kind shopify --domain x.myshopify.com --secret …"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--kind", required=True)
        parser.add_argument("--domain", required=True)
        parser.add_argument("--secret", help="what signs that provider's deliveries")
        parser.add_argument("--credential", action="append", default=[], metavar="K=V")
        parser.add_argument("--no-register", action="store_true", help="call no provider, now or later")

    def run_in(self, organization: Organization, **options: Any) -> None:
        credentials = {}
        for pair in options["credential"]:
            name, equals, value = pair.partition("=")
            if not equals:
                raise Invalid("A credential is given as NAME=VALUE.")
            credentials[name] = value
        channel = channels.connect(
            organization,
            kind=options["kind"],
            domain=options["domain"],
            secret=options["secret"],
            credentials=credentials,
            calls_provider=not options["no_register"],
            by=Actor.system("command line"),
        )
        # SURFACE.md: always JSON, because scripts read the address from it.
        self.as_json = True
        self.say("", {"channel": channel.key, "webhook_url": channel.webhook_path})
