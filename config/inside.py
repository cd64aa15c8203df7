"""A request to our own application without a web server in between: the same code that a server calls, once."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Mapping[str, str] = field(default_factory=dict)


def call(method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """Ask the application for a path of ours and read the whole answer."""
    from config.wsgi import application

    base = urlsplit(settings.BASE_URL)
    plain, _, query = path.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": unquote(plain),
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": base.hostname or "localhost",
        "SERVER_PORT": str(base.port or (443 if base.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": base.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": base.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if base.scheme == "https":
        environ["HTTP_X_FORWARDED_PROTO"] = "https"  # as our proxy would say
    for name, value in (headers or {}).items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    told: dict[str, Any] = {}
    jar: SimpleCookie = SimpleCookie()

    def start(status: str, sent: list[tuple[str, str]], problem: Any = None) -> None:
        told["status"], told["headers"] = (
            int(status.split(maxsplit=1)[0]),
            {name.lower(): value for name, value in sent},
        )
        for name, value in sent:
            if name.lower() == "set-cookie":
                jar.load(value)

    # The end of a request closes the connection; ours goes on.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    try:
        parts: Iterable[bytes] = application(environ, start)
        try:
            found = b"".join(parts)
        finally:
            if (close := getattr(parts, "close", None)) is not None:
                close()
    finally:
        request_started.connect(close_old_connections)
        request_finished.connect(close_old_connections)
    return Answer(told["status"], told["headers"], found, {name: morsel.value for name, morsel in jar.items()})
