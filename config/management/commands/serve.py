"""Runs the web server alone, as in production; migrates nothing."""

import socket
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from config import databases


class Command(BaseCommand):
    help = "Runs the web server alone, as in production. Example: manage.py serve --port 8000 --processes 4"
    # They import the whole address table, and metrics must know their folder before.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="the port to listen on (8000)")
        parser.add_argument("--processes", type=int, default=2, help="how many processes answer (2)")
        parser.add_argument("--threads", type=int, default=4, help="how many requests each answers at once (4)")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if not 1 <= port <= 65535:
            raise CommandError(f"--port must be a number from 1 to 65535, and not {port}.")
        for name in ("processes", "threads"):
            if options[name] < 1:
                raise CommandError(f"--{name} must be at least 1, and not {options[name]}.")
        must_be_free(host, port)
        # A database that is away may come back while we serve; a wrong role stays wrong.
        with suppress(DatabaseError):
            if problem := databases.role_problem():
                raise CommandError(problem)

        from config import webserver

        shown = f"[{host}]" if ":" in host else host

        def ready() -> None:
            self.stdout.write(
                f"Serving http://{shown}:{port} (customers reach {settings.BASE_URL}), {options['processes']} processes"
                f" of {options['threads']} threads; Ctrl-C stops."
            )
            self.stdout.flush()

        webserver.run(f"{shown}:{port}", processes=options["processes"], threads=options["threads"], when_ready=ready)


def must_be_free(host: str, port: int) -> None:
    """The processes share the port by the system's leave, which would let a second server in unnoticed as well."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"Port {port} of {host} cannot be used: {error.strerror}.") from None
