"""manage.py run: the whole back-office on this machine, with the demo organization; what `make run` calls."""

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections
from rich.console import Console
from rich.table import Table

from config import couriers, databases, demo, embedded, health, household
from config.commands import Command as Base
from config.household import Household
from config.management.commands.serve import must_be_free

HOST = "127.0.0.1"
READY_SECONDS = 120.0
LET_GO_SECONDS = 5.0


class Stopped(BaseException):
    """Somebody asked us to stop."""


class Command(Base):
    help = (
        "Run database, web server and worker with the demo organization until Ctrl-C, which stops what it started."
        " Example: run --port 8000"
    )

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument("--port", type=int, help="the port of the web server (PORT, else 8000)")

    def run(self, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "BASE_URL is https, so this is production: run migrate once, then serve and work; the demo is not made."
            )
        port = options["port"] or settings.ENVIRONMENT["PORT"]
        if not 1 <= port <= 65535:
            raise CommandError(f"--port must be a number from 1 to 65535, and not {port}.")
        must_be_free(HOST, port)
        started_database = False
        house = Household(_environ(port), settings.AFTERSALE_DATA / "log")
        with _signals() as asked:
            try:
                started_database = self._database()
                self._migrate()
                self._live(house, port)
            except Stopped:
                pass
            except DatabaseError:
                # Asked to stop in the middle of a statement: what the connection makes of it is not the cause.
                if not asked:
                    raise
            except (household.Died, couriers.Refused, demo.NotSettled) as failure:
                raise CommandError(str(failure)) from failure
            finally:
                _deafen()
                self._tell("Stopping.")
                house.end()
                if started_database:
                    self._stop_database()

    def _database(self) -> bool:
        """Have a database; true if that means a server started here."""
        if settings.ENVIRONMENT["DATABASE_URL"]:
            return False
        ran = embedded.is_running(settings.AFTERSALE_DATA)
        if not ran:
            self._tell("Starting the embedded PostgreSQL.")
        embedded.ensure_running(settings.AFTERSALE_DATA)
        return not ran

    def _migrate(self) -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("select to_regclass(%s) is not null", ["config_cache"])
            has_cache = cursor.fetchone()[0]
        if not has_cache or health.state()["status"] != "ok":
            self._tell("Bringing the database to the newest schema.")
            call_command("migrate", verbosity=0)
        try:
            problem = databases.role_problem()
        except DatabaseError as error:
            raise CommandError(f"The database does not answer: {error}") from None
        if problem:
            raise CommandError(problem)

    def _live(self, house: Household, port: int) -> None:
        house.start("web", "serve", "--port", str(port))
        house.start("worker", "work")
        logins = demo.prepare(settings.AFTERSALE_DATA)
        address = house.environ["BASE_URL"]
        _wait_until_ready(house, port)
        if not demo.is_told():
            self._tell("Taking in the demo's orders, through signed webhooks as from real shops.")
            began = time.monotonic()
            count = demo.tell(HOST, port, still=house.must_live)
            self._tell(f"Took in {count} deliveries in {time.monotonic() - began:.0f} s.")
        self._greet(address, logins, house)
        while True:
            for name in house.look_after():
                self._tell(f"The {name} process had died and was started again; its log is {house.logs / name}.log.")
            time.sleep(0.5)

    def _greet(self, address: str, logins: list[demo.Login], house: Household) -> None:
        if self.as_json:
            rows = [{"login": login.address, "password": login.password, "role": login.role} for login in logins]
            self.say("", {"address": f"{address}/admin/", "organization": demo.SLUG, "logins": rows})
            self.stdout.flush()
            return
        table = Table("Login", "Password", "May", title=f"Aftersale runs: {address}/admin/", title_justify="left")
        for login in logins:
            table.add_row(login.address, login.password, login.role)
        console = Console(file=self.stdout, width=None if self.stdout.isatty() else 100)  # type: ignore[arg-type]
        console.print(table)
        self._tell(f"Logs are in {house.logs}. Ctrl-C stops everything.")

    def _stop_database(self) -> None:
        connections.close_all()
        deadline = time.monotonic() + LET_GO_SECONDS
        while not embedded.stop_if_unused(settings.AFTERSALE_DATA):
            if time.monotonic() > deadline:
                self._tell("Other programs still use the embedded PostgreSQL: it is left running.")
                return
            time.sleep(0.2)

    def _tell(self, sentence: str) -> None:
        out = self.stderr if self.as_json else self.stdout
        out.write(sentence)
        out.flush()


def _environ(port: int) -> dict[str, str]:
    """The children's environment: links in mails must lead to the port that is served."""
    return {**os.environ, "PORT": str(port), "BASE_URL": os.environ.get("BASE_URL") or f"http://{HOST}:{port}"}


def _wait_until_ready(house: Household, port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_ready(port):
        house.must_live()
        if time.monotonic() > deadline:
            raise CommandError(f"The web server is not ready after {READY_SECONDS:.0f} s; its log is in {house.logs}.")
        time.sleep(0.1)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Whoever asks us to stop interrupts whatever we do; gives the signals that asked."""
    asked: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        raise Stopped

    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield asked
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _deafen() -> None:
    """Once we are stopping, asking again must not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
