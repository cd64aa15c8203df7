#!/usr/bin/env python
"""Runs a command of Aftersale, with the embedded PostgreSQL of its AFTERSALE_DATA where no DATABASE_URL is set."""

import gc
import os
import sys

WITHOUT_DATABASE = {"", "help", "version", "--version", "environment"}
STARTS_IT_ITSELF = {"run"}
"""It stops at its end what it started, and so has to know what that is."""


def main() -> None:
    # A seventh of the time to load all code went into looking for garbage in it; the wiring turns that on at the end.
    gc.disable()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config import embedded, environment

    command = sys.argv[1] if len(sys.argv) > 1 else ""
    needs_database = command not in WITHOUT_DATABASE | STARTS_IT_ITSELF and not {"-h", "--help"} & set(sys.argv)
    try:
        values = environment.load(os.environ)
        if needs_database and not values["DATABASE_URL"]:
            embedded.ensure_running(values["AFTERSALE_DATA"])
        execute_from_command_line(sys.argv)
    except (environment.Refused, embedded.EmbeddedFailed) as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
