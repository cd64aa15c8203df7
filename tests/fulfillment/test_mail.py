"""Sending mail to real servers that behave, fall over, refuse and hang up at the worst moment."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as modern
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection

from fulfillment.circuits import FAILURES_TO_OPEN, Circuit
from fulfillment.providers import PROVIDERS, mail, outcomes
from fulfillment.providers.mail import Accepted, Chain, OutgoingMail, RefusedForGood, TryLater, Unknown

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Server:
    """An SMTP server that answers as it is told and remembers what it took in."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.connections = 0
        self.on_rcpt: Callable[[str], str | None] = lambda address: None
        self.on_data: Callable[[], str | None] = lambda: None
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), ready_timeout=10)
        self._controller.start()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def stop(self) -> None:
        self._controller.stop()

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> Any:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        answer = self.on_rcpt(address)
        if answer == "drop":
            server.transport.abort()
            return "421 gone"
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        answer = self.on_data()
        if answer is None or answer == "drop":
            self.taken.append(BytesParser(policy=modern).parsebytes(envelope.content))
            self.recipients.extend(envelope.rcpt_tos)
        if answer == "drop":
            server.transport.abort()
        return answer or "250 OK queued as 7"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def second() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def connect(port: int) -> Any:
    return get_connection(PROVIDERS["smtp"], host="127.0.0.1", port=port, username="", use_tls=False, timeout=1)


def letter(**changes: Any) -> OutgoingMail:
    usual: dict[str, Any] = {
        "to": "ada@example.com",
        "from_email": "Aurora Books <shop@aurora.example>",
        "subject": "Your order #1001",
        "text": "Hello Ada\nhttp://localhost/download/abc",
        "html": "<p>Hello Ada</p>",
        "message_id": "<m-1@aurora.example>",
        "effect_key": "receipt:1",
    }
    return OutgoingMail(**usual | changes)


def test_an_accepted_message_arrives_as_it_was_written(server: Server) -> None:
    outcome = mail.send(letter(headers={"X-Order": "1001"}), connection=connect(server.port))
    assert outcome == Accepted("<m-1@aurora.example>", "250 OK queued as 7")
    [message] = server.taken
    assert message["Message-ID"] == "<m-1@aurora.example>"
    assert message["Subject"] == "Your order #1001"
    assert message["X-Order"] == "1001"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]
    assert server.recipients == ["ada@example.com"]


def test_a_hundred_messages_go_over_one_connection(server: Server) -> None:
    connection = connect(server.port)
    sent = [mail.send(letter(message_id=f"<m-{n}@a.example>"), connection=connection) for n in range(100)]
    connection.close()
    assert all(isinstance(outcome, Accepted) for outcome in sent)
    assert (len(server.taken), server.connections) == (100, 1)


def test_a_refused_recipient_in_a_batch_does_not_disturb_the_others(server: Server) -> None:
    server.on_rcpt = lambda address: "550 5.1.1 No such user" if address.startswith("gone") else None
    connection = connect(server.port)
    sent = [mail.send(letter(to=f"{name}@example.com"), connection=connection) for name in ("a", "gone", "b")]
    assert [type(outcome) for outcome in sent] == [Accepted, RefusedForGood, Accepted]
    assert sent[1] == RefusedForGood("The mail server refused the address: 550 5.1.1 No such user")
    assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("451 4.3.0 Later", TryLater("The mail server turned us away: 451 4.3.0 Later")),
        ("554 5.7.1 Looks like spam", RefusedForGood("The mail server refused the message: 554 5.7.1 Looks like spam")),
    ],
)
def test_the_verdict_on_the_message_decides(server: Server, answer: str, expected: object) -> None:
    server.on_data = lambda: answer
    assert mail.send(letter(), connection=connect(server.port)) == expected
    assert server.taken == []


def test_greylisting_puts_off_this_recipient_and_is_no_outage(server: Server) -> None:
    server.on_rcpt = lambda address: "450 4.2.0 Greylisted"
    outcome = mail.send(letter(), connection=connect(server.port))
    assert outcome == TryLater("The mail server put the address off: 450 4.2.0 Greylisted", outage=False)


def test_a_refused_connection_is_an_outage() -> None:
    outcome = mail.send(letter(), connection=connect(free_port()))
    assert isinstance(outcome, TryLater)
    assert outcome.outage


def test_a_link_cut_after_the_final_dot_leaves_it_unknown(server: Server) -> None:
    server.on_data = lambda: "drop"
    connection = connect(server.port)
    assert isinstance(mail.send(letter(), connection=connection), Unknown)
    assert len(server.taken) == 1
    server.on_data = lambda: None
    assert isinstance(mail.send(letter(), connection=connection), Accepted)


def test_a_server_silent_after_the_final_dot_leaves_it_unknown() -> None:
    with SilentServer(dialogue=[b"220 hi", b"250 ok", b"250 ok", b"250 ok", b"354 go on"]) as port:
        assert isinstance(mail.send(letter(), connection=connect(port)), Unknown)


def test_a_server_silent_before_the_message_certainly_did_not_send_it() -> None:
    with SilentServer(dialogue=[b"220 hi", b"250 ok", b"250 ok"]) as port:
        assert isinstance(mail.send(letter(), connection=connect(port)), TryLater)


def test_a_reply_nobody_understands_after_the_final_dot_leaves_it_unknown() -> None:
    with SilentServer(dialogue=[b"220 hi", b"250 ok", b"250 ok", b"250 ok", b"354 go on", b"yes"]) as port:
        assert isinstance(mail.send(letter(), connection=connect(port)), Unknown)


class SilentServer:
    """Says its lines one after the other, each after something was heard, and then nothing more."""

    def __init__(self, *, dialogue: list[bytes]) -> None:
        self._dialogue = dialogue
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> int:
        Thread(target=self._talk, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _talk(self) -> None:
        peer, _ = self._listener.accept()
        with peer, peer.makefile("rb") as heard:
            for number, line in enumerate(self._dialogue):
                if number:
                    heard.readline()
                    while self._dialogue[number - 1].startswith(b"354") and heard.readline() != b".\r\n":
                        pass
                peer.sendall(line + b"\r\n")
            while heard.readline():
                pass


def test_a_connection_the_server_let_go_between_two_messages_is_opened_anew(server: Server) -> None:
    connection = connect(server.port)
    mail.send(letter(), connection=connection)
    drops = iter(["drop"])
    server.on_rcpt = lambda address: next(drops, None)
    assert isinstance(mail.send(letter(), connection=connection), Accepted)
    assert server.connections == 2
    assert len(server.taken) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "ada@example.com\r\nBcc: eve@example.com"},
        {"to": "ada@example.com, eve@example.com"},
        {"to": "ada@example.com eve@example.com"},
        {"to": "Ada <ada@example.com>"},
        {"to": "ada@example.com\x00"},
        {"to": ""},
        {"subject": "Hi\r\nBcc: eve@example.com"},
        {"subject": "Hi\u2028there"},
        {"from_email": "shop@a.example\nBcc: eve@example.com"},
        {"from_email": "a@a.example, b@b.example"},
        {"message_id": "m-1@a.example"},
        {"message_id": "<m 1@a.example>"},
        {"message_id": "<m@a.example>\r\nBcc: eve@example.com"},
        {"headers": {"X-Note": "a\r\nBcc: eve@example.com"}},
        {"headers": {"X-Note\r\nBcc": "eve@example.com"}},
        {"headers": {"Bcc": "eve@example.com"}},
        {"headers": {"subject": "other"}},
        {"text": "a lone \ud800"},
    ],
)
def test_a_forged_header_or_a_second_address_never_leaves(server: Server, changes: dict[str, Any]) -> None:
    assert isinstance(mail.send(letter(**changes), connection=connect(server.port)), RefusedForGood)
    assert server.taken == []


def test_a_senders_name_of_any_letters_stays_a_name() -> None:
    message = letter(
        from_email=outcomes.sender('Bücher, "Eve" <eve@example.com>\r\nBcc: x@example.com', "shop@a.example")
    )
    assert outcomes.fault(message) is None


def test_the_name_arrives_with_its_letters(server: Server) -> None:
    mail.send(
        letter(from_email=outcomes.sender("Bücher & Söhne, Ltd.", "shop@a.example")), connection=connect(server.port)
    )
    assert server.taken[0]["From"].addresses[0].display_name == "Bücher & Söhne, Ltd."
    assert server.taken[0]["From"].addresses[0].addr_spec == "shop@a.example"


def chain(*ports: int, circuits: dict[str, Circuit] | None = None, at: datetime = NOON) -> Chain:
    servers = {f"server-{number}": port for number, port in enumerate(ports, 1)}
    return Chain(servers, now=lambda: at, circuits=circuits, opened_by=lambda name: connect(servers[name]))


def test_the_next_provider_takes_over_when_the_first_is_down(second: Server) -> None:
    with chain(free_port(), second.port) as providers:
        delivery = providers.send(letter())
    assert delivery.provider == "server-2"
    assert isinstance(delivery.outcome, Accepted)
    assert [name for name, _ in delivery.tries] == ["server-1", "server-2"]
    assert second.taken[0]["Message-ID"] == "<m-1@aurora.example>"


def test_the_next_provider_takes_over_when_the_first_puts_us_off(server: Server, second: Server) -> None:
    server.on_data = lambda: "451 4.3.2 Not now"
    with chain(server.port, second.port) as providers:
        assert providers.send(letter()).provider == "server-2"
    assert (len(server.taken), len(second.taken)) == (0, 1)


@pytest.mark.parametrize("answer", ["drop", "554 no"])
def test_no_other_provider_is_asked_after_an_unknown_or_a_refusal(server: Server, second: Server, answer: str) -> None:
    server.on_data = lambda: answer
    with chain(server.port, second.port) as providers:
        delivery = providers.send(letter())
    assert isinstance(delivery.outcome, Unknown | RefusedForGood)
    assert second.taken == []


def test_a_dead_provider_is_left_alone_after_a_few_failures(second: Server) -> None:
    with chain(free_port(), second.port) as providers:
        tries = [len(providers.send(letter()).tries) for _ in range(5)]
    assert tries == [2, 2, 2, 1, 1]
    assert providers.circuits["server-1"] == Circuit(FAILURES_TO_OPEN, opened_at=NOON)
    assert providers.circuits["server-2"] == Circuit()


def test_a_refused_recipient_says_nothing_against_the_provider(server: Server) -> None:
    server.on_rcpt = lambda address: "550 no such user"
    with chain(server.port) as providers:
        for _ in range(5):
            providers.send(letter())
    assert providers.circuits["server-1"].state == "closed"


def test_when_all_rest_it_says_when_the_first_may_be_tried_again() -> None:
    resting = Circuit(FAILURES_TO_OPEN, opened_at=NOON)
    later = NOON + timedelta(seconds=20)
    with chain(free_port(), free_port(), circuits={"server-1": resting, "server-2": resting}, at=later) as providers:
        delivery = providers.send(letter())
    assert delivery.tries == ()
    assert delivery.outcome == TryLater("Every mail provider is resting.", retry_after=10)


def test_a_chain_of_nobody_or_of_an_unknown_name_keeps_the_message() -> None:
    assert Chain([], now=lambda: NOON).send(letter()).outcome == TryLater("No mail provider is configured.")
    assert isinstance(Chain(["pigeon"], now=lambda: NOON).send(letter()).outcome, TryLater)
    with pytest.raises(ImproperlyConfigured, match="pigeon"):
        mail.open_connection("pigeon")


def test_a_provider_without_its_key_is_passed_over(settings: Any, server: Server) -> None:
    settings.ANYMAIL = {}
    opened: dict[str, Callable[[str], Any]] = {
        "postmark": mail.open_connection,
        "smtp": lambda name: connect(server.port),
    }
    with Chain(opened, now=lambda: NOON, opened_by=lambda name: opened[name](name)) as providers:
        delivery = providers.send(letter())
    assert delivery.provider == "smtp"
    assert isinstance(delivery.tries[0][1], TryLater)
