"""A mail service's HTTP interface on a local port: it answers, stalls and hangs up as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Call:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class MailService:
    """All services in one: each is told apart by its own paths. Answers are given in the order they were set."""

    PATIENCE = 2.0

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._answers: list[tuple[int, Any, Mapping[str, str]]] = []
        self._released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, status: int, body: Any = "", headers: Mapping[str, str] | None = None) -> None:
        self._answers.append((status, body, headers or {}))

    def hang_up(self) -> None:
        """Take the next request and close the connection without a word."""
        self._answers.append((0, "", {}))

    def stall(self) -> None:
        """Take the next request and say nothing until the caller gives up."""
        self._answers.append((-1, "", {}))

    def configure(self, settings: Any, *, url: str = "") -> None:
        """Settings under which every service is this one."""
        base = url or self.url
        settings.ANYMAIL = {
            "POSTMARK_SERVER_TOKEN": "the-token",
            "POSTMARK_API_URL": f"{base}/",
            "SENDGRID_API_KEY": "the-key",
            "SENDGRID_API_URL": f"{base}/",
            "MAILGUN_API_KEY": "the-key",
            "MAILGUN_SENDER_DOMAIN": "aurora.example",
            "MAILGUN_API_URL": f"{base}/",
            "RESEND_API_KEY": "the-key",
            "RESEND_API_URL": f"{base}/",
            "AMAZON_SES_CLIENT_PARAMS": {
                **settings.ANYMAIL["AMAZON_SES_CLIENT_PARAMS"],
                "region_name": "eu-west-1",
                "endpoint_url": base,
                "aws_access_key_id": "AKIATEST",
                "aws_secret_access_key": "tests-only",
            },
            "AMAZON_SES_CONFIGURATION_SET_NAME": "tracking",
            "REQUESTS_TIMEOUT": self.PATIENCE,
        }
        settings.ANYMAIL["AMAZON_SES_CLIENT_PARAMS"]["config"] = {
            **settings.ANYMAIL["AMAZON_SES_CLIENT_PARAMS"]["config"],
            "read_timeout": self.PATIENCE,
        }
        settings.NOVU_API_KEY, settings.NOVU_API_URL, settings.NOVU_WORKFLOW = "the-key", base, "aftersale-mail"
        settings.LISTMONK_API_URL, settings.LISTMONK_TEMPLATE_ID = base, 7
        settings.LISTMONK_API_USER, settings.LISTMONK_API_TOKEN = "api_user", "the-token"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.calls.append(Call(self.path, headers, body))
                status, document, more = service._answers.pop(0)
                if status < 0:
                    service._released.wait(20)
                if status <= 0:
                    self.close_connection = True
                    return
                text = document if isinstance(document, str) else json.dumps(document)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text.encode())))
                for name, value in more.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: Any) -> None:
                pass

        return Handler
