"""manage.py verify_profiles: proves that customers' statistics equal a recount of the facts."""

from typing import Any

from django.core.management import CommandError

from config import progress
from config.commands import OrganizationCommand
from profiles.models import Organization, Profile
from support.queries import recounts

SHOWN = 50


class Command(OrganizationCommand):
    help = (
        "Recount every customer's statistics and print what differs; not zero when something does."
        " Example: verify_profiles --organization lantern"
    )

    def run_in(self, organization: Organization, **options: Any) -> None:
        checked, found = 0, []
        with progress.bar("Recounting", Profile.objects.count()) as done:
            for ids in recounts.batches():
                found += recounts.differences(ids)
                checked += len(ids)
                done(len(ids))
        # Somebody may have been between two of our looks: what differs is looked at again before it is told.
        found = recounts.differences(sorted({difference.profile for difference in found})) if found else []
        document = {"profiles": checked, "differences": [difference.document() for difference in found]}
        words = [f"{checked} customers recounted, {len(found)} differences.", *map(str, found[:SHOWN])]
        self.say("\n".join(words), document)
        if found:
            raise CommandError(f"{len(found)} figures differ from the facts: settle those customers, and tell us.")
