"""Django's migrate, run as the role that owns the tables; the application's role gets its rights on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.core.management.commands.migrate import Command as Migrate
from django.db.migrations.state import ProjectState

from config import databases


class Command(Migrate):
    help = "Brings the database to the newest schema, as DATABASE_OWNER_URL where that is set."

    def handle(self, *args: Any, **options: Any) -> None:
        with databases.as_owner(options["database"]), _without_rendering_for_indexes():
            databases.grant_to_application(options["database"])
            super().handle(*args, **options)
            if not options["plan"] and not options["check_unapplied"]:
                call_command("createcachetable", database=options["database"], verbosity=0)


@contextmanager
def _without_rendering_for_indexes() -> Iterator[None]:
    """Leave models as they are drawn when they gain an index or a constraint: half the time of a first migration.

    Django draws the model and all that are related to it anew each time, some 0.1 s for each of hundreds. What is
    created in the database comes from the operation itself; the state keeps the option, and the model gets it when
    something else of it changes. Only SQLite, which remakes whole tables, would need it before.
    """
    former: Any = ProjectState._append_option  # type: ignore[attr-defined]

    def append(state: Any, app_label: str, model_name: str, option: str, added: Any) -> None:
        options = state.models[app_label, model_name].options
        options[option] = [*options[option], added]

    ProjectState._append_option = append  # type: ignore[attr-defined]
    try:
        yield
    finally:
        ProjectState._append_option = former  # type: ignore[attr-defined]
