"""manage.py ops: runs what can be run by itself of the daily, weekly or monthly list, and says how the rest stands."""

from typing import Any

from django.conf import settings
from django.core.management import CommandError

from config import ops, progress
from config.commands import Command as Base
from profiles import clock, tenancy
from profiles.actions import organizations
from profiles.models import Organization
from support import checklists as rules
from support.checklists import Cadence
from support.queries import checklists

WORDS = {True: "well", False: "look", None: "?"}


class Command(Base):
    help = (
        "Run what can be run by itself of a checklist, tick it off, and say how the rest stands."
        " Example: ops weekly --organization lantern"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("cadence", choices=[str(cadence) for cadence in Cadence])
        parser.add_argument("--organization", required=True, metavar="SLUG", dest="organization_slug")
        parser.add_argument("--dry-run", action="store_true", help="only say how it stands; run nothing")

    def run(self, **options: Any) -> None:
        organization_id = organizations.find(options["organization_slug"])
        cadence = Cadence(options["cadence"])
        with tenancy.organization(organization_id):
            organization = Organization.objects.get(pk=organization_id)
        done = {} if options["dry_run"] else _do(cadence, organization)
        with tenancy.organization(organization_id):
            now = clock.now()
            rows = checklists.of(cadence, organization, now)
            on = checklists.period_of(cadence, organization, now)
        items = [
            {
                "item": row.item.code,
                "title": row.item.title,
                "well": row.stand.well,
                "said": row.stand.said,
                "ran": done[row.item.code].ok if row.item.code in done else None,
                "told": done[row.item.code].told if row.item.code in done else "",
                "ticked": bool(row.tick and not row.tick.failed),
            }
            for row in rows
        ]
        words = [f"{WORDS[row.stand.well]:5} {row.item.title}: {row.stand.said}" for row in rows]
        words += [f"ran   {code}: {outcome.told}" for code, outcome in done.items()]
        document = {"list": str(cadence), "period": on.isoformat(), "items": items}
        self.say("\n".join([f"{cadence.capitalize()} list of {on:%-d %B %Y}:", *words]), document)
        if failed := [code for code, outcome in done.items() if outcome.ok is False]:
            raise CommandError(f"{', '.join(failed)} did not come out well.")


def _do(cadence: Cadence, organization: Organization) -> dict[str, ops.Outcome]:
    files = ops.Files(settings.OPS_ORDERS_FILES, settings.OPS_PAYOUTS_FILES)
    codes = [item.code for item in rules.of(cadence) if item.by_itself]
    done = {}
    with progress.bar("Running the list", len(codes)) as step:
        for code in codes:
            done[code] = ops.do(code, organization, files)
            step(1)
    return done
