"""A worker process: the django-q2 cluster that runs the tasks, and the watch that keeps it honest.

A cluster can look alive and run nothing (RELIABILITY.md L3, L4). So the only signs believed are a canary task each
minute and the age of the oldest due work; when the canary is old the cluster is ended and started again.
"""

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time

from django.conf import settings
from django.db import Error, close_old_connections, connection
from django_q.tasks import async_task

from config import drains, publishing, schedules, sending
from profiles import clock

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1
SCHEDULE_SECONDS = 10
CANARY_SECONDS = 60
CANARY_DEAD_SECONDS = 120
SEARCH_SECONDS = 120
FORGET_SECONDS = 3600


def sing() -> None:
    """The canary's task: says that tasks are still being run."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE config_canary SET sang_at = now()")


def supervise() -> None:
    """Run until SIGTERM or SIGINT: cluster, sweeper and canary; restart a cluster that runs nothing."""
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        ending = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    cluster = _start()
    due = {"sweep": 0.0, "schedules": 0.0, "search": 0.0, "canary": 0.0, "forget": 0.0}
    sender = sending.start()
    started = time.monotonic()
    try:
        while not ending:
            now = time.monotonic()
            try:
                if now >= due["sweep"]:
                    due["sweep"] = now + SWEEP_SECONDS
                    drains.sweep()
                if now >= due["schedules"]:
                    due["schedules"] = now + SCHEDULE_SECONDS
                    schedules.wake()
                if now >= due["search"]:
                    due["search"] = now + SEARCH_SECONDS
                    drains.search_all()
                if now >= due["forget"]:
                    due["forget"] = now + FORGET_SECONDS
                    publishing.forget_all()
                if now >= due["canary"]:
                    due["canary"] = now + CANARY_SECONDS
                    async_task("config.workers.sing")
                stale = now - started > CANARY_DEAD_SECONDS and silent_for() > CANARY_DEAD_SECONDS
            except Error:
                # The database is away: nothing can be due until it is back.
                log.warning("worker.database_away")
                close_old_connections()
                time.sleep(1)
                started = time.monotonic()
                continue
            if cluster.poll() is not None or stale:
                log.error("worker.cluster_restarted", extra={"stale": stale})
                _stop(cluster)
                cluster, started = _start(), time.monotonic()
            time.sleep(0.5)
    finally:
        sender.end()
        _stop(cluster)


def silent_for() -> float:
    """Seconds since the canary last sang."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp() - sang_at) FROM config_canary")
        row = cursor.fetchone()
    return float(row[0]) if row else 0.0


def _start() -> subprocess.Popen[bytes]:
    environment = dict(os.environ)
    if settings.AFTERSALE_NOW is not None:
        # The cluster's processes share this process's clock rather than start it anew.
        environment["AFTERSALE_NOW"] = clock.now().isoformat()
    return subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"],
        env=environment,
        start_new_session=True,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 (a worker process has one thread)
    )


def _end_with_parent() -> None:
    """Have the kernel end this process when the one that started it is killed: nobody would watch it any more."""
    if sys.platform == "linux":
        end_with_parent = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(end_with_parent, signal.SIGTERM)


def _stop(cluster: subprocess.Popen[bytes]) -> None:
    """End the cluster with everything it started: SIGTERM, and after ten seconds SIGKILL to the whole session."""
    if cluster.poll() is None:
        cluster.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            cluster.wait(10)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(cluster.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        cluster.wait(5)
