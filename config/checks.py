"""System checks of the installation itself."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from config.databases import role_problem


@register(Tags.database)
def the_role_is_bound_by_the_policies(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A superuser passes row-level security silently: every organization would see the data of all."""
    found = [role_problem(alias) for alias in databases or [] if alias == "default"]
    return [Error(problem, id="config.E001") for problem in found if problem]
