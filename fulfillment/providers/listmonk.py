"""Hands mail to Listmonk: one transactional message for each, to a subscriber who is made where there is none."""

from __future__ import annotations

from typing import Any, Final

import httpx
from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend

from fulfillment.providers import calls
from fulfillment.providers.outcomes import Accepted, Outcome, OutgoingMail, RefusedForGood, TryLater

OK: Final = 200
BAD_REQUEST: Final = 400
KNOWN_ALREADY: Final = 409


class Connection(BaseEmailBackend):
    """A client of Listmonk's interface, kept over a batch."""

    def __init__(
        self, *, api_url: str = "", user: str = "", token: str = "", template_id: int | None = None, **options: Any
    ) -> None:
        super().__init__(fail_silently=bool(options.get("fail_silently")))
        base = (api_url or settings.LISTMONK_API_URL).rstrip("/")
        self.auth = (user or settings.LISTMONK_API_USER, token or settings.LISTMONK_API_TOKEN)
        self.template_id: int = template_id or settings.LISTMONK_TEMPLATE_ID or 0
        if not base or not all(self.auth) or not self.template_id:
            raise ValueError("Listmonk needs an address, a user with its token, and a template.")
        self.tx, self.subscribers = f"{base}/api/tx", f"{base}/api/subscribers"
        self._client: httpx.Client | None = None

    @property
    def client(self) -> httpx.Client:
        if self._client is None:
            self._client = calls.client(auth=self.auth)
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def send_messages(self, email_messages: Any) -> int:
        """Django's own way in is not used: a template takes values, not a written message."""
        raise NotImplementedError("Hand messages over with fulfillment.providers.mail.send.")


def hand_over(message: OutgoingMail, *, connection: Connection) -> Outcome:
    """Send once. Listmonk knows no idempotency and names no message: a lost answer stays unknown."""
    outcome, unknown_subscriber = _attempt(message, connection)
    if not unknown_subscriber:
        return outcome
    made = calls.post(connection.client, connection.subscribers, _subscriber(message))
    if not isinstance(made, calls.Answer):
        # Nothing was mailed so far, whatever became of the subscriber.
        return TryLater("The mail service was lost while it learned of the address.")
    if made.status == BAD_REQUEST:
        return RefusedForGood("The mail service refused the address.")
    if made.status not in (OK, KNOWN_ALREADY):
        return calls.trouble(made)
    outcome, _ = _attempt(message, connection)
    return outcome


def _attempt(message: OutgoingMail, connection: Connection) -> tuple[Outcome, bool]:
    """What came of it, and whether it may be that the address is no subscriber's yet."""
    answer = calls.post(connection.client, connection.tx, written(message, template_id=connection.template_id))
    if not isinstance(answer, calls.Answer):
        return answer, False
    if answer.status == OK and answer.body.get("data") is True:
        return Accepted(message.message_id, "taken"), False
    return calls.trouble(answer), answer.status == BAD_REQUEST


def written(message: OutgoingMail, *, template_id: int) -> dict[str, Any]:
    """The message: the template shows `.Tx.Data.html`, its subject is `.Tx.Data.subject`."""
    headers = {"Auto-Submitted": "auto-generated", **message.headers, "Message-ID": message.message_id}
    return {
        "subscriber_email": message.to,
        "template_id": template_id,
        "from_email": message.from_email,
        "data": {
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "effect_key": message.effect_key,
        },
        "headers": [{name: value} for name, value in headers.items()],
        "messenger": "email",
        "content_type": "html",
    }


def _subscriber(message: OutgoingMail) -> dict[str, Any]:
    """On no list: the address gets what was bought and nothing else."""
    return {"email": message.to, "name": message.to.partition("@")[0], "status": "enabled", "lists": []}
