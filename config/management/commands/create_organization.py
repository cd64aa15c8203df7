"""manage.py create_organization: a new tenant."""

from typing import Any

from config.commands import Command as Base
from profiles.actions import organizations
from profiles.actors import Actor


class Command(Base):
    help = "Create an organization: create_organization lantern --name 'Lantern Press' --currency EUR --region DE"

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("slug")
        parser.add_argument("--name", required=True)
        parser.add_argument("--currency", required=True, help="ISO 4217 code of the base currency")
        parser.add_argument("--region", required=True, help="ISO 3166 country, to read national phone numbers")
        parser.add_argument("--timezone", default="UTC", help="IANA zone")
        parser.add_argument("--support-email", default="", dest="support_email")

    def run(self, **options: Any) -> None:
        organization = organizations.create(
            options["slug"],
            name=options["name"],
            currency=options["currency"],
            region=options["region"],
            timezone=options["timezone"],
            support_email=options["support_email"],
            by=Actor.system("command line"),
        )
        self.say(f"Created {organization.name}.", {"organization": organization.slug})
