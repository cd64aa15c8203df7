"""manage.py issue_api_token: a secret for the API, shown once."""

from typing import Any

from config.commands import OrganizationCommand
from profiles.actions import organizations
from profiles.actors import Actor
from profiles.models import Organization


class Command(OrganizationCommand):
    help = "Issue an API token: issue_api_token --organization lantern --name shop --scope orders:read"

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--name", required=True)
        parser.add_argument("--scope", action="append", required=True)

    def run_in(self, organization: Organization, **options: Any) -> None:
        secret = organizations.issue_token(
            organization, name=options["name"], scopes=options["scope"], by=Actor.system("command line")
        )
        self.as_json = True
        self.say("", {"token": secret})
