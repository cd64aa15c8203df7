"""Prints the table of every environment variable."""

from typing import Any

from django.core.management.base import BaseCommand

from config import environment


class Command(BaseCommand):
    help = "Prints every environment variable with its meaning and default, as markdown."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(environment.table(), ending="")
