"""Logs: one JSON object a line on standard error, with the request's id and without customers' data."""

import atexit
import logging
import os
import queue
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog

WAITING_LINES = 10_000
"""How many lines may wait for a reader that has stalled; further ones are counted and dropped."""

_ADDRESS = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_LINK = re.compile(r"(/(?:download|claim|library)/)[^/\s\"'?#]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_PHONE = re.compile(r"(?<![\w.:+-])\+\d[\d ()-]{6,17}\d(?![\w.])")


def without_personal_data(text: str) -> str:
    """The text with e-mail addresses, telephone numbers, customers' links and credentials blackened."""
    if "@" in text:
        text = _ADDRESS.sub("[email]", text)
    if "/" in text:
        text = _LINK.sub(r"\1[link]", text)
    if "+" in text:
        text = _PHONE.sub("[phone]", text)
    return _BEARER.sub(r"\1 [credential]", text)


def configure(settings: Mapping[str, Any]) -> None:
    """Direct structlog and the standard library's loggers to the same lines; Django calls it with LOGGING."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Plain text: the renderers for people print the local variables, and with them secrets.
            structlog.processors.format_exc_info,
            _blacken,
            structlog.processors.JSONRenderer(ensure_ascii=True, default=str),
        ],
    )
    handler = Unhurried()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings["level"])
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)


_QUIET: dict[str, int] = {
    "django-q": logging.WARNING,
    # Its warnings carry the path of every request that was refused.
    "django.request": logging.ERROR,
    "django.security": logging.ERROR,
    "django.server": logging.ERROR,
    # Its lines carry names and addresses; the table of attempts has them.
    "axes": logging.ERROR,
    "botocore": logging.WARNING,
    "boto3": logging.WARNING,
    "s3transfer": logging.WARNING,
    "urllib3": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "stripe": logging.WARNING,
    "asyncio": logging.WARNING,
}


def _blacken(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    return {key: _blackened(value) for key, value in event.items()}


def _blackened(value: Any) -> Any:
    if isinstance(value, str):
        return without_personal_data(value)
    if isinstance(value, Mapping):
        return {key: _blackened(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_blackened(inner) for inner in value]
    if isinstance(value, (int, float, bool, type(None))):
        return value
    return without_personal_data(str(value))


class Unhurried(logging.Handler):
    """Writes in a thread of its own: whoever logs never waits for the reader of standard error."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self.stream = stream
        self._forget_thread()
        os.register_at_fork(after_in_child=self._forget_thread)
        atexit.register(self.finish)

    def _forget_thread(self) -> None:
        self._lines: queue.Queue[str] = queue.Queue(WAITING_LINES)
        self._writer: threading.Thread | None = None
        self._starting = threading.Lock()
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 (as logging's own handlers: a line that cannot be written stops nobody)
            self.handleError(record)
            return
        if self._writer is None:
            with self._starting:
                if self._writer is None:
                    self._writer = threading.Thread(target=self._write, name="logs", daemon=True)
                    self._writer.start()
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def finish(self, seconds: float = 2.0) -> None:
        """Write what waits, for so many seconds at most."""
        deadline = threading.Event()
        for _ in range(int(seconds * 100)):
            if self._writer is None or not self._lines.unfinished_tasks:
                return
            deadline.wait(0.01)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            stream = self.stream or sys.stderr
            try:
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    stream.write(f'{{"event": "log lines dropped", "level": "error", "count": {dropped}}}\n')
                stream.write(line + "\n")
                stream.flush()
            except (OSError, ValueError):
                pass
            finally:
                self._lines.task_done()
