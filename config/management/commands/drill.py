"""manage.py drill: proves that the next mail provider or file store takes over, without touching a customer."""

from typing import Any

from django.core.management import CommandError

from config.commands import Command as Base
from profiles.actions import organizations
from profiles.actors import Actor
from support.actions import drills

BY = Actor.system("command line")


class Command(Base):
    help = (
        "Take the first mail provider or file store away for one trial of ours, and time the take-over."
        " Example: drill email --organization lantern"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("part", choices=("email", "storage"))
        parser.add_argument("--organization", required=True, metavar="SLUG", dest="organization_slug")
        parser.add_argument("--to", default="", help="email: who gets the trial (the support address)")

    def run(self, **options: Any) -> None:
        organization_id = organizations.find(options["organization_slug"])
        if options["part"] == "email":
            done = drills.email(organization_id, to=options["to"], by=BY)
        else:
            done = drills.storage(organization_id, by=BY)
        words = f"without {done.without}, {done.took_over or 'nobody'} took over in {done.seconds} s ({done.told})"
        self.say(f"{'ok' if done.ok else 'FAILED'}: {words}.", done.document())
        if not done.ok:
            raise CommandError(f"The drill failed: {words}; {done.within:g} s are allowed.")
