"""manage.py rotate_keys: puts every stored secret under the first of ENCRYPTION_KEYS, so that old keys can go."""

from typing import Any

from django.core.management import CommandError
from django.db import models

from config import drains, progress
from config.commands import Command as Base
from profiles import tenancy
from profiles.actions import keys
from profiles.actions.keys import Count
from profiles.models import Tenant
from profiles.secrets import SecretField


class Command(Base):
    help = (
        "Encrypt every stored secret of all organizations with the first of ENCRYPTION_KEYS, while others work."
        " Example: ENCRYPTION_KEYS=new,old manage.py rotate_keys; afterwards old can be left out"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def run(self, **options: Any) -> None:
        total, remaining = Count(), Count()
        columns = [(model, field) for model, field in keys.fields() if issubclass(model, Tenant)]
        organizations = drains.organizations()
        with progress.bar("Secrets", len(organizations)) as done:
            for organization_id in organizations:
                for model, field in columns:
                    if not options["dry_run"]:
                        _add(total, _rotate(organization_id, model, field))
                    # Read again from the start: this is the proof, and it finds what others wrote under an old key.
                    with tenancy.organization(organization_id):
                        _add(remaining, keys.count(model, field))
                done(1)
        document = {
            "secrets": remaining.seen,
            "rotated": total.rotated,
            "outdated": remaining.outdated,
            "unreadable": remaining.unreadable,
            "dry_run": options["dry_run"],
        }
        if options["dry_run"]:
            self.say(f"{remaining.outdated} of {remaining.seen} secrets are not under the first key.", document)
        else:
            self.say(f"{total.rotated} of {remaining.seen} secrets were put under the first key.", document)
        if remaining.unreadable:
            raise CommandError(f"{remaining.unreadable} secrets cannot be read with any of ENCRYPTION_KEYS.")
        if remaining.outdated and not options["dry_run"]:
            raise CommandError(
                f"{remaining.outdated} secrets are still under another key: somebody writes with an older"
                " ENCRYPTION_KEYS. Restart web and workers with the new one and run this again."
            )


def _rotate(organization_id: int, model: type[models.Model], field: SecretField) -> Count:
    total, after = Count(), 0
    while True:
        with tenancy.organization(organization_id):
            found, reached = keys.rotate(model, field, after)
        _add(total, found)
        if reached is None:
            return total
        after = reached


def _add(total: Count, more: Count) -> None:
    total.seen += more.seen
    total.rotated += more.rotated
    total.outdated += more.outdated
    total.unreadable += more.unreadable
