"""Hands mail to an SMTP server, and knows whether a lost connection means "not sent" or "nobody can tell"."""

from __future__ import annotations

import smtplib
from contextlib import suppress
from typing import Any, Final

from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend

from fulfillment.providers.outcomes import Accepted, Outcome, RefusedForGood, TryLater, Unknown, single_line

SECONDS_TO_ANSWER: Final = 15
SERVICE_CLOSING: Final = 421
_END_OF_DATA: Final = b"\r\n.\r\n"


class _Verdict(smtplib.SMTP):
    """Remembers the gap of RFC 1047: from the final dot until the server's answer to it."""

    verdict_pending = False
    last_reply = ""

    def mail(self, sender: str, options: Any = ()) -> tuple[int, bytes]:
        self.verdict_pending = False
        return super().mail(sender, options)

    def send(self, s: Any) -> None:
        super().send(s)
        if isinstance(s, bytes) and s.endswith(_END_OF_DATA):
            self.verdict_pending = True

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()
        if code > 0:
            self.verdict_pending = False
        self.last_reply = _reply(code, text)
        return code, text


class _VerdictOverTLS(_Verdict, smtplib.SMTP_SSL):
    """The same over implicit TLS."""


class Connection(EmailBackend):
    """Django's SMTP backend with a time-out always, kept open over a batch, and able to tell of a pending verdict."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.timeout is None:
            self.timeout = SECONDS_TO_ANSWER
        self.verdict_pending = False
        self.last_reply = ""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _VerdictOverTLS if self.use_ssl else _Verdict

    def _send(self, email_message: Any) -> bool:
        try:
            return bool(super()._send(email_message))  # type: ignore[misc]
        finally:
            self.verdict_pending = bool(getattr(self.connection, "verdict_pending", False))
            self.last_reply = str(getattr(self.connection, "last_reply", ""))

    def drop_if_lost(self) -> bool:
        """Let go of a connection that is no longer one, so that the next message opens a new one."""
        if self.connection is None or self.connection.sock is not None:
            return False
        with suppress(OSError):
            self.close()
        return True


def hand_over(email: EmailMultiAlternatives, *, connection: Connection) -> Outcome:
    """Send one message; a connection that the server had let go before this message is opened anew once."""
    kept = connection.connection is not None
    outcome, lost = _attempt(email, connection=connection)
    if kept and lost and isinstance(outcome, TryLater):
        outcome, _ = _attempt(email, connection=connection)
    return outcome


def _attempt(email: EmailMultiAlternatives, *, connection: Connection) -> tuple[Outcome, bool]:
    connection.verdict_pending = False
    try:
        connection.open()
        connection.send_messages([email])
    except (OSError, ValueError) as error:
        return judge(error, verdict_pending=connection.verdict_pending), connection.drop_if_lost()
    return Accepted(str(email.extra_headers.get("Message-ID", "")), connection.last_reply), False


def judge(error: Exception, *, verdict_pending: bool) -> Outcome:
    """What an error of the SMTP conversation says about the message."""
    if verdict_pending:
        return Unknown("The connection was lost after the whole message was sent and before the server's verdict.")
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, text = next(iter(error.recipients.values()))
            if code >= 500:
                return RefusedForGood(f"The mail server refused the address: {_reply(code, text)}")
            return TryLater(f"The mail server put the address off: {_reply(code, text)}", code == SERVICE_CLOSING)
        case smtplib.SMTPDataError() if error.smtp_code >= 500:
            return RefusedForGood(f"The mail server refused the message: {_reply_of(error)}")
        case smtplib.SMTPDataError() if error.smtp_code < 400:
            return Unknown(f"The mail server gave no verdict that can be understood: {_reply_of(error)}")
        case smtplib.SMTPResponseException():
            return TryLater(f"The mail server turned us away: {_reply_of(error)}")
        case OSError():
            return TryLater(f"The mail server could not be reached: {single_line(str(error)) or type(error).__name__}")
        case _:
            return RefusedForGood("The message could not be written in the form that e-mail needs.")


def _reply_of(error: smtplib.SMTPResponseException) -> str:
    return _reply(error.smtp_code, error.smtp_error)


def _reply(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return single_line(f"{code} {words}")[:300]
