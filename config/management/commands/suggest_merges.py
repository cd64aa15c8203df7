"""manage.py suggest_merges: look for customers who are likely one person, and suggest them for a person to judge."""

import time
from typing import Any

from config import progress
from config.commands import OrganizationCommand
from profiles import tenancy
from profiles.actions import likenesses, organizations
from profiles.models import Likeness, Suggestion

BATCH = 500


class Command(OrganizationCommand):
    help = (
        "Look for likely same people among customers who changed, with --all among all of them; merges nobody."
        " Example: suggest_merges --organization lantern --all"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--all", action="store_true", dest="again", help="look at everybody again")

    def run(self, **options: Any) -> None:
        organization_id = organizations.find(options["organization_slug"])
        began = time.monotonic()
        with tenancy.organization(organization_id):
            likenesses.request_missing(again=options["again"])
            waiting = Likeness.objects.filter(due_at__isnull=False).count()
        found = likenesses.Found()
        with progress.bar("Comparing", waiting) as done:
            while batch := self._batch(organization_id):
                found += batch
                done(batch.looked)
        with tenancy.organization(organization_id):
            rows = Suggestion.objects.filter(state=Suggestion.State.OPEN)
            bands = {str(band): rows.filter(band=band).count() for band in Suggestion.Band}
        document = {
            "looked": found.looked,
            "changed": found.changed,
            "compared": found.compared,
            "open": bands,
            "seconds": round(time.monotonic() - began, 1),
        }
        words = ", ".join(f"{count} {band.replace('_', ' ')}" for band, count in bands.items())
        self.say(f"{found.looked} customers looked at, {found.compared} pairs compared. Open: {words}.", document)

    def _batch(self, organization_id: int) -> likenesses.Found | None:
        """The next customers, those too who have not been quiet long enough for the workers; None when none is left."""
        with tenancy.organization(organization_id):
            claims = likenesses.claim(BATCH, early=likenesses.QUIET)
        if not claims:
            return None
        with tenancy.organization(organization_id):
            return likenesses.work(claims, organization_id)
