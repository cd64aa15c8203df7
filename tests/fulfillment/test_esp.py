"""Sending mail by a mail service's HTTP interface, as it answers, breaks and leaves us in the dark."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.policy import default as modern
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from fulfillment.providers import calls, mail
from fulfillment.providers.mail import Accepted, OutgoingMail, RefusedForGood, TryLater, Unknown
from tests.servers import free_port
from tests.services import Call, MailService

LETTER = OutgoingMail(
    to="ada@example.com",
    from_email="Aurora Books <shop@aurora.example>",
    subject="Your order #1001",
    text="Hello Ada",
    html="<p>Hello Ada</p>",
    message_id="<m-1@aurora.example>",
    effect_key="receipt:1",
    headers={"Reply-To": "help@aurora.example"},
)


@pytest.fixture
def service() -> Iterator[MailService]:
    with MailService() as running:
        yield running


def form(call: Call) -> dict[str, str]:
    """The fields of a form."""
    return dict(parse_qsl(call.body.decode()))


def of_postmark(call: Call) -> None:
    body = call.json()
    assert call.path == "/email" and call.headers["x-postmark-server-token"] == "the-token"
    assert (body["To"], body["From"], body["Subject"]) == (LETTER.to, LETTER.from_email, LETTER.subject)
    assert (body["TextBody"], body["HtmlBody"]) == (LETTER.text, LETTER.html)
    assert body["Metadata"] == {"effect_key": "receipt:1"}
    assert {"Name": "Message-ID", "Value": LETTER.message_id} in body["Headers"]


def of_sendgrid(call: Call) -> None:
    body = call.json()
    assert call.path == "/mail/send" and call.headers["authorization"] == "Bearer the-key"
    (personal,) = body["personalizations"]
    assert personal["to"] == [{"email": LETTER.to}] and personal["custom_args"]["anymail_id"]
    assert body["custom_args"] == {"effect_key": "receipt:1"}
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html"]
    assert body["headers"]["Message-ID"] == LETTER.message_id


def of_mailgun(call: Call) -> None:
    fields = form(call)
    assert call.path == "/aurora.example/messages"
    assert call.headers["authorization"] == "Basic " + base64.b64encode(b"api:the-key").decode()
    assert (fields["to"], fields["from"], fields["subject"]) == (LETTER.to, LETTER.from_email, LETTER.subject)
    assert (fields["text"], fields["html"]) == (LETTER.text, LETTER.html)
    assert fields["v:effect_key"] == "receipt:1" and fields["h:Message-Id"] == LETTER.message_id


def of_resend(call: Call) -> None:
    body = call.json()
    assert call.path == "/emails" and call.headers["authorization"] == "Bearer the-key"
    assert (body["to"], body["from"], body["subject"]) == ([LETTER.to], LETTER.from_email, LETTER.subject)
    assert (body["text"], body["html"]) == (LETTER.text, LETTER.html)
    assert json.loads(body["headers"]["X-Metadata"]) == {"effect_key": "receipt:1"}


def of_ses(call: Call) -> None:
    body = call.json()
    assert call.path == "/v2/email/outbound-emails"
    assert call.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA")
    assert body["Destination"]["ToAddresses"] == [LETTER.to] and body["ConfigurationSetName"] == "tracking"
    written = message_from_bytes(base64.b64decode(body["Content"]["Raw"]["Data"]), policy=modern)
    assert json.loads(written["X-Metadata"]) == {"effect_key": "receipt:1"}
    assert written["Message-ID"] == LETTER.message_id and written["Subject"] == LETTER.subject


def of_novu(call: Call) -> None:
    body = call.json()
    assert call.path == "/v1/events/trigger" and call.headers["authorization"] == "ApiKey the-key"
    assert call.headers["idempotency-key"] == body["transactionId"] == "m-1@aurora.example"
    assert body["name"] == "aftersale-mail" and body["to"]["email"] == LETTER.to and body["to"]["subscriberId"]
    assert (body["payload"]["subject"], body["payload"]["text"]) == (LETTER.subject, LETTER.text)
    assert body["payload"]["html"] == LETTER.html
    email = body["overrides"]["email"]
    assert (email["from"], email["senderName"]) == ("shop@aurora.example", "Aurora Books")
    assert (email["subject"], email["replyTo"]) == (LETTER.subject, "help@aurora.example")


def of_listmonk(call: Call) -> None:
    body = call.json()
    assert call.path == "/api/tx"
    assert call.headers["authorization"] == "Basic " + base64.b64encode(b"api_user:the-token").decode()
    assert (body["subscriber_email"], body["template_id"]) == (LETTER.to, 7)
    assert (body["from_email"], body["messenger"], body["content_type"]) == (LETTER.from_email, "email", "html")
    assert (body["data"]["subject"], body["data"]["html"]) == (LETTER.subject, LETTER.html)
    assert {"Message-ID": LETTER.message_id} in body["headers"]
    assert {"Reply-To": "help@aurora.example"} in body["headers"]


@dataclass(frozen=True)
class Dialect:
    """What a service is told by, what its request must look like, and how it takes and refuses."""

    name: str
    taken: tuple[int, Any]
    id: str
    refused: tuple[int, Any]
    check: Callable[[Call], None]


NOVU_TAKEN = {"data": {"acknowledged": True, "status": "processed", "transactionId": "m-1@aurora.example"}}
DIALECTS = {
    "postmark": Dialect(
        "postmark",
        (200, {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "ada@example.com"}),
        "pm-1",
        (
            422,
            {
                "ErrorCode": 406,
                "Message": "You tried to send to recipient(s) that have been marked as inactive. Found inactive"
                " addresses: ada@example.com. Inactive recipients are ones that have generated a hard bounce.",
            },
        ),
        of_postmark,
    ),
    "sendgrid": Dialect(
        "sendgrid",
        (202, ""),
        "",
        (
            400,
            {"errors": [{"message": "Does not contain a valid address.", "field": "personalizations.0.to.0.email"}]},
        ),
        of_sendgrid,
    ),
    "mailgun": Dialect(
        "mailgun",
        (200, {"id": "<2026.1@aurora.example>", "message": "Queued. Thank you."}),
        "<2026.1@aurora.example>",
        (400, {"message": "'to' parameter is not a valid address. please check documentation"}),
        of_mailgun,
    ),
    "resend": Dialect(
        "resend",
        (200, {"id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}),
        "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794",
        (422, {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}),
        of_resend,
    ),
    "ses": Dialect(
        "ses",
        (200, {"MessageId": "0100019a7f3c11d2-1a2b3c4d"}),
        "0100019a7f3c11d2-1a2b3c4d",
        (400, {"message": "The recipient address is not well-formed."}),
        of_ses,
    ),
    "novu": Dialect(
        "novu",
        (201, NOVU_TAKEN),
        "m-1@aurora.example",
        (201, {"data": {"acknowledged": True, "status": "invalid_recipients"}}),
        of_novu,
    ),
    "listmonk": Dialect("listmonk", (200, {"data": True}), "<m-1@aurora.example>", (400, {}), of_listmonk),
}


@pytest.fixture(params=DIALECTS)
def dialect(
    request: pytest.FixtureRequest, service: MailService, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Dialect:
    """One service after the other, configured to answer at the local server."""
    service.configure(settings)
    monkeypatch.setattr(calls, "SECONDS", httpx.Timeout(service.PATIENCE))
    return DIALECTS[request.param]


def hand_over(dialect: Dialect) -> mail.Outcome:
    connection = mail.open_connection(dialect.name)
    try:
        return mail.send(LETTER, connection=connection)
    finally:
        connection.close()


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_service_is_asked_in_its_own_words_and_its_yes_is_accepted(service: MailService, dialect: Dialect) -> None:
    service.answer(*dialect.taken)
    outcome = hand_over(dialect)
    assert isinstance(outcome, Accepted) and outcome.provider_message_id
    assert outcome.provider_message_id == dialect.id or not dialect.id
    (call,) = service.calls
    dialect.check(call)


def test_a_refused_address_is_refused_for_good(service: MailService, dialect: Dialect) -> None:
    service.answer(*dialect.refused)
    if dialect.name == "listmonk":
        service.answer(400, {"message": "Invalid email."})
    assert hand_over(dialect) == RefusedForGood("The mail service refused the address.")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_outage_is_waited_for_as_long_as_the_service_asks(
    service: MailService, dialect: Dialect, status: int
) -> None:
    service.answer(status, {"message": "later"}, {"Retry-After": "7"})
    outcome = hand_over(dialect)
    # Amazon's library keeps the headers of a refusal to itself.
    wait = None if dialect.name == "ses" else 7
    assert outcome == TryLater(f"The mail service answered {status}.", retry_after=wait)
    assert len(service.calls) == 1


@pytest.mark.parametrize("trouble", ["hang_up", "stall"])
def test_without_an_answer_nobody_knows_and_nothing_is_sent_twice(
    service: MailService, dialect: Dialect, trouble: str
) -> None:
    getattr(service, trouble)()
    assert isinstance(hand_over(dialect), Unknown)
    assert len(service.calls) == 1


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateway_that_lost_the_service_does_not_know_either(
    service: MailService, dialect: Dialect, status: int
) -> None:
    service.answer(status, {})
    assert isinstance(hand_over(dialect), Unknown)


def test_a_yes_that_cannot_be_read_is_no_yes(service: MailService, dialect: Dialect) -> None:
    service.answer(200, "<html>Welcome</html>")
    # SendGrid says yes by the status alone.
    assert isinstance(hand_over(dialect), Accepted if dialect.name == "sendgrid" else Unknown)


def test_a_wrong_key_says_nothing_about_the_message(service: MailService, dialect: Dialect) -> None:
    service.answer(401, {"message": "Unauthorized"})
    assert hand_over(dialect) == TryLater("The mail service answered 401.")


def test_a_sender_that_is_not_verified_is_not_the_buyers_fault(service: MailService, dialect: Dialect) -> None:
    service.answer(400, {"message": "Email address is not verified. The identity of the sender failed the check."})
    service.answer(409, {"message": "E-mail already exists."})
    service.answer(400, {"message": "The sender is not verified."})
    outcome = hand_over(dialect)
    assert isinstance(outcome, TryLater) and not outcome.outage


def test_a_redirect_is_not_followed(service: MailService, dialect: Dialect) -> None:
    service.answer(307, "", {"Location": service.url + "/elsewhere"})
    assert isinstance(hand_over(dialect), TryLater | Unknown)
    assert [call.path for call in service.calls] == [service.calls[0].path]


def test_a_service_that_cannot_be_reached_did_not_get_it(service: MailService, dialect: Dialect, settings: Any) -> None:
    gone = replace_port(service.url, free_port())
    service.configure(settings, url=gone)
    assert hand_over(dialect) == TryLater("The mail service could not be reached.")


def replace_port(url: str, port: int) -> str:
    return f"{url.rpartition(':')[0]}:{port}"


# Novu's and Listmonk's own --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["error", "trigger_not_active", "no_workflow_steps_defined", "no_tenant_found"])
def test_a_workflow_that_did_not_run_sent_nothing(service: MailService, settings: Any, status: str) -> None:
    service.configure(settings)
    service.answer(201, {"data": {"acknowledged": True, "status": status, "transactionId": "x"}})
    assert hand_over(DIALECTS["novu"]) == TryLater(f"Novu did not run the workflow: {status}.")


def test_another_try_names_the_same_transaction(service: MailService, settings: Any) -> None:
    service.configure(settings)
    service.hang_up()
    service.answer(201, NOVU_TAKEN)
    assert isinstance(hand_over(DIALECTS["novu"]), Unknown)
    assert isinstance(hand_over(DIALECTS["novu"]), Accepted)
    assert len({call.headers["idempotency-key"] for call in service.calls}) == 1


def test_an_unknown_address_becomes_a_subscriber_of_no_list_and_is_written_to(
    service: MailService, settings: Any
) -> None:
    service.configure(settings)
    service.answer(400, {"message": "No subscriber ada@example.com found"})
    service.answer(200, {"data": {"id": 3, "email": LETTER.to}})
    service.answer(200, {"data": True})
    assert isinstance(hand_over(DIALECTS["listmonk"]), Accepted)
    assert [call.path for call in service.calls] == ["/api/tx", "/api/subscribers", "/api/tx"]
    assert service.calls[1].json() == {"email": LETTER.to, "name": "ada", "status": "enabled", "lists": []}


def test_a_subscriber_lost_on_the_way_means_that_nothing_was_mailed(service: MailService, settings: Any) -> None:
    service.configure(settings)
    service.answer(400, {"message": "No subscriber found"})
    service.hang_up()
    assert isinstance(hand_over(DIALECTS["listmonk"]), TryLater)


@pytest.mark.parametrize("name", ["novu", "listmonk"])
def test_a_service_without_its_key_is_passed_over_in_the_chain(settings: Any, name: str) -> None:
    from datetime import UTC, datetime

    settings.NOVU_API_KEY = settings.LISTMONK_API_TOKEN = ""
    with mail.Chain([name], now=lambda: datetime(2026, 3, 10, tzinfo=UTC)) as chain:
        delivery = chain.send(replace(LETTER))
    assert isinstance(delivery.outcome, TryLater) and name in delivery.outcome.sentence


def test_an_address_with_a_second_one_behind_it_never_reaches_a_service(service: MailService, dialect: Dialect) -> None:
    outcome = mail.send(
        replace(LETTER, to="ada@example.com,eve@example.com"), connection=mail.open_connection(dialect.name)
    )
    assert isinstance(outcome, RefusedForGood) and service.calls == []
