"""Hands mail to Novu: one event of the configured workflow for each message, the same transaction on each try."""

from __future__ import annotations

import hashlib
from email.utils import parseaddr
from typing import Any, Final

import httpx
from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend

from fulfillment.providers import calls
from fulfillment.providers.outcomes import (
    Accepted,
    Outcome,
    OutgoingMail,
    RefusedForGood,
    TryLater,
    Unknown,
    single_line,
)

CREATED: Final = (200, 201)
PROCESSED: Final = "processed"
BAD_ADDRESS: Final = "invalid_recipients"


class Connection(BaseEmailBackend):
    """A client of Novu's interface, kept over a batch."""

    def __init__(self, *, api_url: str = "", api_key: str = "", workflow: str = "", **options: Any) -> None:
        super().__init__(fail_silently=bool(options.get("fail_silently")))
        self.url = f"{(api_url or settings.NOVU_API_URL).rstrip('/')}/v1/events/trigger"
        self.workflow = workflow or settings.NOVU_WORKFLOW
        key = api_key or settings.NOVU_API_KEY
        if not key or not self.workflow:
            raise ValueError("Novu needs a key and a workflow.")
        self._headers = {"Authorization": f"ApiKey {key}"}
        self._client: httpx.Client | None = None

    @property
    def client(self) -> httpx.Client:
        if self._client is None:
            self._client = calls.client(headers=self._headers)
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def send_messages(self, email_messages: Any) -> int:
        """Django's own way in is not used: a workflow takes values, not a written message."""
        raise NotImplementedError("Hand messages over with fulfillment.providers.mail.send.")


def hand_over(message: OutgoingMail, *, connection: Connection) -> Outcome:
    """Trigger the workflow once. Novu ignores a transaction it knows, so that another try makes no second copy."""
    document = written(message, workflow=connection.workflow)
    headers = {"Idempotency-Key": document["transactionId"]}
    answer = calls.post(connection.client, connection.url, document, headers=headers)
    if not isinstance(answer, calls.Answer):
        return answer
    if answer.status not in CREATED:
        return calls.trouble(answer)
    return _verdict(answer, document["transactionId"])


def written(message: OutgoingMail, *, workflow: str) -> dict[str, Any]:
    """The event: the workflow's e-mail step shows `payload.subject`, `payload.html` and `payload.text`."""
    name, address = parseaddr(message.from_email)
    override = {"subject": message.subject, "from": address, "senderName": name, "text": message.text}
    if reply_to := message.headers.get("Reply-To"):
        override["replyTo"] = reply_to
    return {
        "name": workflow,
        "to": {"subscriberId": hashlib.sha256(message.to.lower().encode()).hexdigest()[:32], "email": message.to},
        "payload": {
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "message_id": message.message_id,
            "effect_key": message.effect_key,
        },
        "overrides": {"email": override},
        "transactionId": message.message_id.strip("<>"),
    }


def _verdict(answer: calls.Answer, transaction: str) -> Outcome:
    data = answer.body.get("data", answer.body)
    status = data.get("status") if isinstance(data, dict) else None
    if status == PROCESSED:
        return Accepted(str(data.get("transactionId") or transaction), PROCESSED)
    if status == BAD_ADDRESS:
        return RefusedForGood("The mail service refused the address.")
    if not isinstance(status, str) or not status:
        return Unknown("The mail service does not say whether it took the message.")
    # Said of the workflow, not of the message: nothing was sent, and nothing will be until somebody mends it.
    return TryLater(f"Novu did not run the workflow: {single_line(status)[:100]}.")
