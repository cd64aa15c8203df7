"""manage.py smoke_purchase: a purchase from end to end on the configured parts, in test mode."""

from collections.abc import Iterator
from typing import Any

from django.core.management import CommandError

from config import smoke
from config.commands import Command as Base
from profiles import identifiers
from profiles.actions import organizations
from profiles.actors import Invalid


class Command(Base):
    help = (
        "Run a test purchase through intake, worker, storage, mail and download, and say which link broke."
        " A worker must be running. Example: smoke_purchase --organization lantern"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--organization", required=True, metavar="SLUG", dest="organization_slug")
        parser.add_argument("--email", default=smoke.ADDRESS, help="who gets the test's mail (an address of nobody)")
        parser.add_argument("--seconds", type=float, default=30.0, help="how long to wait for each link")

    def run(self, **options: Any) -> None:
        if identifiers.mailable(options["email"]) is None:
            raise Invalid(f"{options['email']} is not one usable e-mail address.")
        run = smoke.Smoke(
            organizations.find(options["organization_slug"]), email=options["email"], patience=options["seconds"]
        )
        held, broken = [], None
        try:
            for link in self.links(run):
                held.append(link)
                if not self.as_json:
                    self.stdout.write(f"ok      {link.link:<11} {link.told} ({link.seconds:.1f} s)")
        except smoke.Broken as error:
            broken = error
        document = {
            "ok": broken is None,
            "broken": broken.link if broken else None,
            "reason": str(broken) if broken else None,
            "links": [{"link": one.link, "told": one.told, "seconds": one.seconds} for one in held],
        }
        self.say("Every link holds." if broken is None else f"BROKEN  {broken.link:<11} {broken}", document)
        if broken is not None:
            raise CommandError(f"The chain broke at {broken.link}: {broken}")

    def links(self, run: smoke.Smoke) -> Iterator[smoke.Held]:
        return run.purchase()
