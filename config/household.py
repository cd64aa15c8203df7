"""The processes of `manage.py run`: started as children, started again when one dies, and all ended by their ids."""

import contextlib
import ctypes
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from config import environment

MARK = "AFTERSALE_HOUSEHOLD"
"""In the environment of everything started here, so that also what a killed child left behind is found."""
END_SECONDS = 25.0
LARGEST_LOG = 10_000_000
LIVES_AT_LEAST = 5.0
_PR_SET_PDEATHSIG = 1


class Died(Exception):
    """A process ended that should run; the sentence repeats what it said last."""


@dataclass
class Member:
    """One child: what it is called, its command, and its log."""

    name: str
    command: tuple[str, ...]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0


@dataclass
class Household:
    """The children of one run; leave it by `end`."""

    environ: Mapping[str, str]
    logs: Path
    members: list[Member] = field(default_factory=list)
    mark: str = field(default_factory=lambda: secrets.token_hex(12))

    def start(self, name: str, *arguments: str) -> None:
        """Start a command of manage.py as a child; it has a session of its own, so that Ctrl-C reaches us alone."""
        member = Member(name, arguments, self.logs / f"{name}.log")
        self.members.append(member)
        self._start(member)

    def must_live(self) -> None:
        """Raises Died where a child has ended, however soon or late."""
        for member in self.members:
            if member.process is not None and member.process.poll() is not None:
                raise _died(member)

    def look_after(self) -> list[str]:
        """Start again what died meanwhile and return the names. Raises Died."""
        again = []
        for member in self.members:
            if member.process is None or member.process.poll() is None:
                continue
            if time.monotonic() - member.started < LIVES_AT_LEAST:
                raise _died(member)
            for left in self._left(but=[other.process.pid for other in self.members if other.process]):
                with contextlib.suppress(psutil.Error):
                    left.kill()
            self._start(member)
            again.append(member.name)
        return again

    def end(self) -> None:
        """Ask every child to end, and after a while make them; returns when nothing started here lives."""
        for member in self.members:
            if member.process is not None and member.process.poll() is None:
                member.process.terminate()
        deadline = time.monotonic() + END_SECONDS
        for member in self.members:
            if member.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    member.process.wait(max(0.1, deadline - time.monotonic()))
        left = self._left()
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        for member in self.members:
            if member.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    member.process.wait(5)
        psutil.wait_procs(left, timeout=5)

    def _start(self, member: Member) -> None:
        environment.make_folder(member.log.parent)
        if member.log.exists() and member.log.stat().st_size > LARGEST_LOG:
            member.log.unlink()
        descriptor = os.open(member.log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            member.process = subprocess.Popen(
                [sys.executable, str(environment.ROOT / "manage.py"), *member.command],
                env={**self.environ, MARK: self.mark},
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 (nothing else runs yet)
            )
        finally:
            os.close(descriptor)
        member.started = time.monotonic()

    def _left(self, *, but: list[int] | None = None) -> list[psutil.Process]:
        """Living processes that bear our mark, without these and what they started."""
        spared = set(but or [])
        for pid in but or []:
            with contextlib.suppress(psutil.Error):
                spared |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.pid not in spared and process.environ().get(MARK) == self.mark:
                    found.append(process)
        return found


def _end_with_parent() -> None:
    """Linux ends the child gently when its parent is gone, killed without a word included."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _died(member: Member) -> Died:
    return Died(f"The {member.name} process has ended:\n{_last_lines(member.log)}\n(from {member.log})")


def _last_lines(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-12:])
    except OSError:
        return ""
