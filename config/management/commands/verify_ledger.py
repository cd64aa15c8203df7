"""manage.py verify_ledger: proves that the ledger equals the facts, and that no closed month has changed."""

from typing import Any

from django.core.management import CommandError

from config import progress
from config.commands import OrganizationCommand
from orders.models import LedgerEntry
from orders.queries import proofs_of_the_ledger
from profiles.actions import turns
from profiles.models import Organization

SHOWN = 50


class Command(OrganizationCommand):
    help = (
        "Derive every sum of the ledger once more from the facts and print what differs; not zero when something does."
        " What waits to be settled is settled first: run `work --until-idle` before."
        " Example: verify_ledger --organization lantern"
    )

    def run_in(self, organization: Organization, **options: Any) -> None:
        with progress.bar("Deriving the ledger again", None):
            found = proofs_of_the_ledger.differences(organization)
            if found:  # somebody may have been between two of our looks: once more, with nobody at work
                turns.alone(organization.pk)
                found = proofs_of_the_ledger.differences(organization)
        entries = LedgerEntry.objects.count()
        document = {"entries": entries, "differences": [difference.document() for difference in found]}
        words = [f"{entries} entries proved, {len(found)} differences.", *map(str, found[:SHOWN])]
        self.say("\n".join(words), document)
        if found:
            raise CommandError(f"{len(found)} sums differ from the facts: settle those orders, and tell us.")
