"""manage.py verify_analytics: proves that the figures kept for each day equal a recount of the rows."""

from typing import Any

from django.core.management import CommandError

from config import progress
from config.commands import OrganizationCommand
from orders.actions import stale_days
from profiles.actions import settlement
from profiles.models import Organization
from support.queries import proofs_of_tallies

SHOWN = 50


class Command(OrganizationCommand):
    help = (
        "Count the figures of every day once more from the rows and print what differs; not zero when something does."
        " Days that wait to be counted are left out. Example: verify_analytics --organization lantern"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--repair", action="store_true", help="have the days that differ counted anew by a worker")

    def run_in(self, organization: Organization, **options: Any) -> None:
        with progress.bar("Counting every day again", None):
            found = proofs_of_tallies.differences(organization)
        days = proofs_of_tallies.days(found)
        if found and options["repair"]:
            stale_days.mark(organization.pk, days)
            settlement.wake(organization.pk)
        repaired = len(days) if options["repair"] else 0
        document = {
            "differences": [difference.document() for difference in found],
            "days": [day.isoformat() for day in days],
            "repaired": repaired,
        }
        words = [f"{len(found)} differences on {len(days)} days.", *map(str, found[:SHOWN])]
        if repaired:
            words.append(f"{repaired} days will be counted anew.")
        self.say("\n".join(words), document)
        if found and not repaired:
            raise CommandError(f"{len(found)} figures differ from the rows: run again with --repair, and tell us.")
