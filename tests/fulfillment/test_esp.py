"""Sending mail by a mail service's HTTP interface, as it answers, breaks and leaves us in the dark."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

from fulfillment.providers import mail
from fulfillment.providers.mail import Accepted, OutgoingMail, RefusedForGood, TryLater, Unknown

LETTER = OutgoingMail(
    to="ada@example.com",
    from_email="Aurora Books <shop@aurora.example>",
    subject="Your order #1001",
    text="Hello Ada",
    html="<p>Hello Ada</p>",
    message_id="<m-1@aurora.example>",
    effect_key="receipt:1",
)


class Service(BaseHTTPRequestHandler):
    """A mail service's interface that answers what the test asks for."""

    answers: ClassVar[list[tuple[int, dict[str, Any]]]] = []
    heard: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.heard.append(body if isinstance(body, dict) else body[0])
        status, answer = self.answers.pop(0)
        if status == 0:
            self.connection.close()
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def service(settings: Any) -> Iterator[type[Service]]:
    Service.answers, Service.heard = [], []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    api = f"http://127.0.0.1:{running.server_port}/"
    settings.ANYMAIL = {
        "POSTMARK_SERVER_TOKEN": "t",
        "POSTMARK_API_URL": api,
        "SENDGRID_API_KEY": "k",
        "SENDGRID_API_URL": api,
    }
    yield Service
    running.shutdown()
    running.server_close()


INACTIVE = (
    "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: ada@example.com."
    " Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."
)
TAKEN = {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "ada@example.com"}


@pytest.mark.parametrize(
    ("status", "answer", "expected"),
    [
        (200, TAKEN, Accepted("pm-1", "sent")),
        (422, {"ErrorCode": 406, "Message": INACTIVE}, RefusedForGood),
        (503, {}, TryLater("The mail service answered 503.", retry_after=7)),
        (429, {}, TryLater("The mail service answered 429.", retry_after=7)),
        (401, {"ErrorCode": 10, "Message": "Bad token"}, TryLater("The mail service answered 401.", retry_after=7)),
        (422, {"ErrorCode": 406, "Message": "in other words"}, RefusedForGood),
        (500, {}, TryLater("The mail service answered 500.", retry_after=7)),
        (504, {}, Unknown),
        (200, {"ErrorCode": "<html>"}, Unknown),
        (0, {}, Unknown),
    ],
)
def test_a_mail_services_answer_is_read_like_a_servers(
    service: type[Service], status: int, answer: dict[str, Any], expected: Any
) -> None:
    service.answers = [(status, answer)]
    outcome = mail.send(LETTER, connection=mail.open_connection("postmark"))
    assert outcome == expected or (isinstance(expected, type) and isinstance(outcome, expected))
    assert service.heard[0]["Metadata"] == {"effect_key": "receipt:1"}


def test_a_mail_service_that_cannot_be_reached_did_not_get_it(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        unused = listener.getsockname()[1]
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "t", "POSTMARK_API_URL": f"http://127.0.0.1:{unused}/"}
    outcome = mail.send(LETTER, connection=mail.open_connection("postmark"))
    assert outcome == TryLater("The mail service could not be reached.")


@pytest.mark.filterwarnings("error")
def test_sendgrid_is_used_without_a_warning(service: type[Service]) -> None:
    service.answers = [(202, {})]
    assert isinstance(mail.send(LETTER, connection=mail.open_connection("sendgrid")), Accepted)
