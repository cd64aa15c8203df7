"""manage.py work: runs what a worker would run."""

import time
from typing import Any

from django.db import OperationalError, close_old_connections

from config import drains, dues, schedules, sending, workers
from config.commands import Command as Base
from profiles import clock

POLL_SECONDS = 0.1


class Command(Base):
    help = "Run a worker; with --until-idle, work until nothing is due: work --until-idle"

    def add_arguments(self, parser: Any) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--until-idle", action="store_true", help="return once nothing is due and nothing is claimed"
        )
        parser.add_argument("--seconds", type=float, help="work at most this long")

    def run(self, **options: Any) -> None:
        clock.offset()
        deadline = time.monotonic() + options["seconds"] if options["seconds"] is not None else None
        if not options["until_idle"] and deadline is None:
            workers.supervise()
            return
        worked = 0
        while deadline is None or time.monotonic() < deadline:
            try:
                done, waiting = self.round()
            except OperationalError:
                # The database is restarting; what was claimed comes due again.
                close_old_connections()
                time.sleep(1)
                continue
            worked += done
            if done:
                continue
            if options["until_idle"] and not waiting:
                break
            time.sleep(POLL_SECONDS)
        self.say(f"Worked {worked} rows.", {"worked": worked})

    def round(self) -> tuple[int, bool]:
        """What the clock says and a batch of every queue; how many rows, and whether work remains with somebody."""
        done, waiting = schedules.run_due(), False
        for organization_id in drains.organizations():
            done += drains.round_of(organization_id)
            done += sending.send(organization_id)
            unclaimed, claimed = dues.outlook(organization_id)
            now = clock.real()
            waiting = waiting or claimed is not None or (unclaimed is not None and unclaimed <= now)
            waiting = waiting or sending.is_busy(organization_id)
        return done, waiting
