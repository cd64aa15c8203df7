"""Hands mail to a mail service by django-anymail, and tells its answers apart as those of an SMTP server are."""

from __future__ import annotations

import re
import socket
from typing import Any, Final

import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, NoCredentialsError
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from urllib3.exceptions import NewConnectionError

from fulfillment.providers.outcomes import Accepted, Outcome, RefusedForGood, TryLater, Unknown, single_line
from profiles.retries import asked_to_wait

TAKEN: Final = frozenset({"sent", "queued"})
NOT_SENT: Final = (requests.ConnectTimeout, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError)
MAY_HAVE_SENT: Final = frozenset({502, 504})
# Refusals of one message, not of all: a wrong key or an outage has other numbers.
OF_THIS_MESSAGE: Final = frozenset({400, 413, 422})
_RECIPIENT: Final = re.compile(r"""[`'"._]to[`'"._]|recipient""", re.IGNORECASE)
_SENDER: Final = re.compile(r"\bfrom\b|sender|verif", re.IGNORECASE)


def hand_over(email: EmailMultiAlternatives, *, connection: BaseEmailBackend) -> Outcome:
    """Send one message on the service's session, which stays open."""
    try:
        connection.open()
        if (session := getattr(connection, "session", None)) is not None:
            # A redirect would carry the key and the letter to an address nobody chose.
            session.max_redirects = 0
        connection.send_messages([email])
    except AnymailRecipientsRefused:
        return RefusedForGood("The mail service refused the address.")
    except AnymailAPIError as error:
        return judge(error)
    except AnymailError as error:
        return TryLater(f"The mail service cannot take this message: {_words(error)}", outage=False)
    except (OSError, ValueError) as error:
        return TryLater(f"The mail service could not be used: {_words(error)}")
    return _verdict(email)


def judge(error: AnymailAPIError) -> Outcome:
    """What a failed call of the service's interface says about the message."""
    status = _status(error)
    if status is None:
        if _never_left(error.__cause__):
            return TryLater("The mail service could not be reached.")
        if isinstance(error.__cause__, requests.TooManyRedirects):
            return TryLater("The mail service answered with a redirect: its address in our settings is not right.")
        return Unknown("The connection to the mail service was lost before its answer.")
    if status < 400 or status in MAY_HAVE_SENT:
        return Unknown(f"The mail service's answer {status} does not say whether it took the message.")
    if status in OF_THIS_MESSAGE:
        words = _said(error)
        if _RECIPIENT.search(words) and not _SENDER.search(words):
            return RefusedForGood("The mail service refused the address.")
        return TryLater(f"The mail service answered {status}: {_said(error)}", outage=False)
    return TryLater(f"The mail service answered {status}.", retry_after=_retry_after(error))


def _verdict(email: EmailMultiAlternatives) -> Outcome:
    status = getattr(email, "anymail_status", None)
    if status is None or not status.status:
        return TryLater("The mail service was not asked.", outage=False)
    if status.status <= TAKEN:
        return Accepted(str(status.message_id or ""), ", ".join(sorted(status.status)))
    if status.status & {"rejected", "invalid"}:
        return RefusedForGood("The mail service refused the address.")
    if status.status & {"failed"}:
        return TryLater("The mail service says that sending failed.")
    if getattr(status.esp_response, "status_code", 0) >= 400:
        return RefusedForGood("The mail service refused the message.")
    return Unknown("The mail service does not say whether it took the message.")


def _status(error: AnymailAPIError) -> int | None:
    if error.status_code is not None:
        return int(error.status_code)
    answer: Any = error.response
    if isinstance(answer, dict):
        return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0) or None
    return None


def _never_left(cause: BaseException | None) -> bool:
    """Whether the request certainly did not reach the service: no connection was ever made."""
    if isinstance(cause, NOT_SENT):
        return True
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    return isinstance(reason, NewConnectionError | socket.gaierror)


def _retry_after(error: AnymailAPIError) -> int | None:
    return asked_to_wait(str(getattr(error.response, "headers", {}).get("Retry-After", "")))


def _said(error: AnymailAPIError) -> str:
    """The service's own words, without what it was asked."""
    answer: Any = error.response
    if isinstance(answer, dict):
        return single_line(str(answer.get("Error", {}).get("Message", "")))[:200]
    return single_line(str(getattr(answer, "text", "")))[:200]


def _words(error: Exception) -> str:
    return single_line(str(error))[:300] or type(error).__name__
