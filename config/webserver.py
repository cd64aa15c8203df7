"""The web server: gunicorn with several processes of several threads; it also keeps the embedded PostgreSQL alive."""

import gc
import logging
import os
import select
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import connections
from django.urls import get_resolver
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker
from prometheus_client import multiprocess

from config import embedded, environment, metrics

KEEPER_SECONDS = 2.0
LINGER_MILLISECONDS = 2


def run(address: str, *, processes: int, threads: int, when_ready: Callable[[], None]) -> None:
    """Serve until a signal ends it."""
    figures = _figures_folder(settings.AFTERSALE_DATA / "metrics")
    metrics.share(figures)
    connections.close_all()
    try:
        _Server(
            {
                "bind": [address],
                "workers": processes,
                "threads": threads,
                "worker_class": _Worker,
                "preload_app": True,
                # Without it the processes share kept-alive connections unevenly.
                "reuse_port": True,
                "graceful_timeout": 30,
                "timeout": 60,
                "keepalive": 20,
                "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
                "control_socket_disable": True,
                "logger_class": _Log,
                "loglevel": "warning",
                "proc_name": "aftersale",
                "when_ready": lambda _: when_ready(),
                "child_exit": lambda _, worker: _forget_figures(worker.pid),
            }
        ).run()
    finally:
        shutil.rmtree(figures, ignore_errors=True)


class _Server(BaseApplication):
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, whole: the processes share what is loaded before they part."""
        from config.wsgi import application

        get_resolver().url_patterns  # noqa: B018 (reading it loads every door)
        gc.freeze()
        return application

    def run(self) -> None:
        _Arbiter(self).run()


class _Arbiter(Arbiter):
    """Looks after the embedded database as after its own processes: when it was killed, it is started again."""

    _keeper: subprocess.Popen[bytes] | None = None
    _looked_at = 0.0

    def manage_workers(self) -> None:
        super().manage_workers()
        if not settings.ENVIRONMENT["DATABASE_URL"] and time.monotonic() - self._looked_at > KEEPER_SECONDS:
            self._looked_at = time.monotonic()
            self._keep_database()

    def _keep_database(self) -> None:
        if self._keeper is not None:
            # The arbiter reaps every child, so that poll() may find this one gone: it then counts as ended.
            if self._keeper.poll() is None:
                return
            self._keeper = None
        if not embedded.is_running(settings.AFTERSALE_DATA):
            # In a process of its own: recovery takes its time, and the workers want to be watched meanwhile.
            script = (
                "import sys, pathlib; from config import embedded; embedded.ensure_running(pathlib.Path(sys.argv[1]))"
            )
            self._keeper = subprocess.Popen(
                [sys.executable, "-c", script, str(settings.AFTERSALE_DATA)],
                cwd=environment.ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )


class _Worker(ThreadWorker):
    """Answers the next request of a connection in the thread that answered the last, where it comes at once.

    To give a connection back to the loop and have it handed out again takes two turns of the interpreter's lock, and
    a shop that sends delivery after delivery asks again within a millisecond. Nobody waits for it: a thread lingers
    only while no other connection wants one.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._wanting: deque[TConn] = deque()

    def enqueue_req(self, conn: TConn) -> None:
        self._wanting.append(conn)
        super().enqueue_req(conn)

    def handle(self, conn: TConn) -> Any:
        """Whether the connection may be kept for another request, as gunicorn wants to know it."""
        self._wanting.popleft()  # whichever: how many still want a thread is all that counts
        kept = super().handle(conn)
        while kept is True and self.alive and not self._wanting and _speaks(conn):
            kept = super().handle(conn)
        return kept


def _speaks(conn: TConn) -> bool:
    """Whether the next request of this connection begins within a moment."""
    poll = select.poll()
    poll.register(conn.sock, select.POLLIN)
    return bool(poll.poll(LINGER_MILLISECONDS))


class _Log(Logger):
    """Gunicorn's own lines take the same way as everybody's."""

    def setup(self, cfg: Any) -> None:
        self.error_log.setLevel(logging.WARNING)
        self.error_log.propagate = True
        self.access_log.disabled = True

    def access(self, *_: Any) -> None:
        """Requests are logged by the middleware, which knows their routes."""


def _figures_folder(base: Path) -> Path:
    """A folder for this server's figures; those of servers that are gone are put away."""
    environment.make_folder(base.parent)
    base.mkdir(mode=0o700, exist_ok=True)
    for old in base.iterdir():
        if not (old.name.isdigit() and psutil.pid_exists(int(old.name))):
            shutil.rmtree(old, ignore_errors=True)
    own = base / str(os.getpid())
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(mode=0o700)
    return own


def _forget_figures(pid: int) -> None:
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
