"""manage.py smoke_claim: a guest's purchase, claim and library from end to end, in test mode."""

from collections.abc import Iterator

from config import smoke
from config.management.commands import smoke_purchase


class Command(smoke_purchase.Command):
    help = (
        "Run a guest's test purchase, have it claimed by a mailed link, open the library, and say which link broke."
        " A worker must be running. Example: smoke_claim --organization lantern"
    )

    def links(self, run: smoke.Smoke) -> Iterator[smoke.Held]:
        return run.claim()
