"""Starts the peer's process beside an installation, and asks it for pages."""

import json
import os
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

import psycopg

from config import embedded
from tests import servers

DATABASE = "peer"


class Peer:
    """A process with a database of its own in the installation's server; it ends with the block."""

    def __init__(self, installation: servers.Installation, rows: int) -> None:
        cluster = installation.cluster
        with psycopg.connect(cluster.url(embedded.SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peer.answering", str(rows)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=servers.ROOT,
            env={
                "PATH": os.environ["PATH"],
                "PEER_HOST": str(cluster.socket),
                "PEER_PORT": str(embedded.PORT),
                "PEER_DATABASE": DATABASE,
                "PEER_USER": embedded.SUPERUSER,
                "PEER_PASSWORD": cluster.passwords[embedded.SUPERUSER],
            },
        )
        self._heard()

    def ask(self, url: str) -> dict[str, Any]:
        """What the page took there: milliseconds of the clock and of the processor, and its statements."""
        assert self._process.stdin is not None
        self._process.stdin.write(url + "\n")
        self._process.stdin.flush()
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the peer ended"
        told: dict[str, Any] = json.loads(line)
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=60)
