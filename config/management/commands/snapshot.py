"""manage.py snapshot: the canonical state of an organization as JSON."""

from typing import Any

from config.commands import OrganizationCommand
from profiles.models import Organization
from support.queries import snapshot


class Command(OrganizationCommand):
    help = "Print the canonical state as JSON: snapshot --organization lantern"

    def run_in(self, organization: Organization, **options: Any) -> None:
        self.as_json = True
        self.say("", snapshot.take(organization))
