"""Django's migrate, run as the role that owns the tables; the application's role gets its rights on them."""

from typing import Any

from django.core.management import call_command
from django.core.management.commands.migrate import Command as Migrate

from config import databases


class Command(Migrate):
    help = "Brings the database to the newest schema, as DATABASE_OWNER_URL where that is set."

    def handle(self, *args: Any, **options: Any) -> None:
        with databases.as_owner(options["database"]):
            databases.grant_to_application(options["database"])
            super().handle(*args, **options)
            if not options["plan"] and not options["check_unapplied"]:
                call_command("createcachetable", database=options["database"], verbosity=0)
