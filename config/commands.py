"""What every command of ours has in common: one JSON document with `--json`, one sentence for a refusal."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders.money import MoneyError
from profiles import tenancy
from profiles.actions import organizations
from profiles.actors import Refusal
from profiles.models import Organization


class Command(BaseCommand):
    """A command that says its result once, for people or as JSON, and turns refusals into one sentence."""

    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print exactly one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        self.as_json = options.get("as_json", False)
        try:
            self.run(**options)
        except (Refusal, MoneyError) as refusal:
            raise CommandError(str(refusal)) from refusal

    def run(self, **options: Any) -> None:
        raise NotImplementedError

    def say(self, text: str, document: Any) -> None:
        self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) if self.as_json else text)


class OrganizationCommand(Command):
    """A command about one organization, named by `--organization`."""

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", required=True, metavar="SLUG", dest="organization_slug")

    def run(self, **options: Any) -> None:
        organization_id = organizations.find(options["organization_slug"])
        with tenancy.organization(organization_id):
            self.run_in(Organization.objects.get(pk=organization_id), **options)

    def run_in(self, organization: Organization, **options: Any) -> None:
        raise NotImplementedError
