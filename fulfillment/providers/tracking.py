"""Reads what mail services report by webhook: verified as each signs, read by django-anymail, told in one form."""

from __future__ import annotations

import hashlib
import re
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.webhooks.amazon_ses import AmazonSESTrackingWebhookView
from anymail.webhooks.mailgun import MailgunTrackingWebhookView
from anymail.webhooks.postmark import PostmarkTrackingWebhookView
from anymail.webhooks.resend import ResendTrackingWebhookView
from anymail.webhooks.sendgrid import SendGridTrackingWebhookView
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from fulfillment.providers.outcomes import single_line
from fulfillment.tracking import Kind
from orders.providers import standard

# What reading a document of the wrong shape raises, in our code and in the library's.
_UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)
_ADDRESS: Final = re.compile(r"\S*@\S*")
_AHEAD: Final = timedelta(hours=1)


class NotConfigured(Exception):
    """Nothing verifies this service's reports, so that none is taken."""


class Forged(Exception):
    """Not authentic: the password or signature is missing or wrong."""


class Unreadable(Exception):
    """Authentic, and not a report."""


class Away(Exception):
    """What a report asks for cannot be done now; the service has to try again."""


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that happened to one message. `key` is the same for the same report, however often it comes."""

    provider: str
    kind: Kind
    at: datetime
    key: str
    message_id: str
    effect_key: str
    words: str


class _Resend(ResendTrackingWebhookView):
    """Resend signs by the Standard Webhooks scheme under names of its own; the library would need another for it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(signing_secret=None, **options)

    def validate_request(self, request: HttpRequest) -> None:
        secret = settings.ANYMAIL.get("RESEND_SIGNING_SECRET")
        if not secret:
            return
        names = {name: request.headers.get(name.replace("webhook", "svix"), "") for name in standard.HEADERS}
        if not standard.verify(request.body, names, [secret], now=time.time()):
            raise AnymailWebhookValidationFailure("Resend webhook called with incorrect signature")


@dataclass(frozen=True, slots=True)
class _Service:
    """Our name of a service, who reads its reports, which keys sign them, and whether a password may stand for them."""

    provider: str
    view: type[Any]
    keys: tuple[str, ...] = ()
    by_password: bool = True


SERVICES: Final = {
    "amazon_ses": _Service("ses", AmazonSESTrackingWebhookView),
    "postmark": _Service("postmark", PostmarkTrackingWebhookView),
    "mailgun": _Service(
        "mailgun", MailgunTrackingWebhookView, ("MAILGUN_WEBHOOK_SIGNING_KEY", "MAILGUN_API_KEY"), by_password=False
    ),
    "resend": _Service("resend", _Resend, ("RESEND_SIGNING_SECRET",)),
    "sendgrid": _Service("sendgrid", SendGridTrackingWebhookView, ("SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY",)),
}
"""By the name in the webhook's address, as django-anymail calls them."""


def tracked() -> frozenset[str]:
    """Our names of the providers whose reports are taken as configured; of the others nothing is heard."""
    return frozenset(service.provider for service in SERVICES.values() if _verified(service))


def asks_password(esp: str) -> bool:
    """Whether this service's reports have to carry the password, whatever else signs them."""
    return esp in SERVICES and bool(settings.ANYMAIL.get("WEBHOOK_SECRET"))


def read(esp: str, request: HttpRequest) -> list[Report]:
    """The reports in a webhook of this service. Raises NotConfigured, Forged, Unreadable or Away."""
    service = SERVICES.get(esp)
    if service is None or not _verified(service):
        raise NotConfigured
    view = _opened(service)
    try:
        view.run_validators(request)
    except (AnymailError, *_UNREADABLE) as error:
        raise Forged from error
    try:
        return [_report(service.provider, event) for event in view.parse_events(request) if _kind(service, event)]
    except ClientError as error:  # Amazon does not know the subscription it is asked to confirm
        raise Unreadable from error
    except BotoCoreError as error:
        raise Away from error
    except (AnymailError, ImproperlyConfigured, *_UNREADABLE) as error:
        raise Unreadable from error


def _verified(service: _Service) -> bool:
    signed = any(settings.ANYMAIL.get(name) for name in service.keys)
    return signed or (service.by_password and bool(settings.ANYMAIL.get("WEBHOOK_SECRET")))


def _opened(service: _Service) -> Any:
    try:
        with warnings.catch_warnings():
            # That a hook would be open is seen to above; that nobody tests SendGrid is known.
            warnings.simplefilter("ignore")
            return service.view()
    except (ImproperlyConfigured, ValueError) as error:
        raise Away(f"The key that signs {service.provider}'s reports cannot be used.") from error


def _report(provider: str, event: Any) -> Report:
    kind = _kind(SERVICES_BY_PROVIDER[provider], event)
    assert kind is not None
    now = datetime.now(UTC)
    at = event.timestamp if isinstance(event.timestamp, datetime) else now
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    message_id, recipient = _text(event.message_id), _text(event.recipient).lower()
    named = _text(event.event_id) or f"{message_id} {event.timestamp}"
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    return Report(
        provider=provider,
        kind=kind,
        at=min(at, now) if at > now + _AHEAD else at,
        key=hashlib.sha256(f"{provider} {named} {kind} {recipient}".encode()).hexdigest(),
        message_id=message_id,
        effect_key=_text(metadata.get("effect_key")),
        words=_words(event),
    )


def _words(event: Any) -> str:
    """What the service says, without the address it says it of."""
    told = [_text(part) for part in (event.description, event.mta_response)]
    return _ADDRESS.sub("…", " ".join(dict.fromkeys(filter(None, told))))[:500]


def _text(value: Any) -> str:
    """One line of text that a database takes; '' for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)[:40]
    if not isinstance(value, str):
        return ""
    return single_line(value[:2000].encode("utf-8", "replace").decode())[:500]


_PLAIN: Final = {
    "queued": Kind.TAKEN,
    "sent": Kind.TAKEN,
    "delivered": Kind.DELIVERED,
    "clicked": Kind.CLICKED,
    "deferred": Kind.DEFERRED,
    "failed": Kind.REJECTED,
    "complained": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED,
}
_NO_SUCH_ADDRESS: Final = frozenset({"invalid", "bounced"})


def _kind(service: _Service, event: Any) -> Kind | None:
    """What happened, or None for what says nothing of a message's way (automatic replies, subscriptions)."""
    raw = event.esp_event if isinstance(event.esp_event, dict) else {}
    match event.event_type:
        case "bounced":
            return Kind.BOUNCED if _hard(service.provider, raw) else Kind.SOFT_BOUNCED
        case "rejected":
            return Kind.BOUNCED if event.reject_reason in _NO_SUCH_ADDRESS else Kind.REJECTED
        case "opened":
            # A machine that fetches pictures for everybody is no reader; but it had the message.
            return Kind.DELIVERED if raw.get("sg_machine_open") else Kind.OPENED
    return _PLAIN.get(event.event_type)


def _hard(provider: str, raw: dict[str, Any]) -> bool:
    """Whether a bounce is for good: each service says it in another place."""
    match provider:
        case "postmark":
            return raw.get("Type") in ("HardBounce", "BadEmailAddress")
        case "ses":
            return bool(raw["bounce"]["bounceType"] == "Permanent")
        case "sendgrid":
            return raw.get("type", "bounce") != "blocked"
        case "resend":
            bounce = raw["data"].get("bounce") or {}
            words = f"{bounce.get('type', '')} {bounce.get('message', '')}".lower()
            return not re.search(r"transient|undetermined|general bounce|inbox was full", words)
    return True


SERVICES_BY_PROVIDER: Final = {service.provider: service for service in SERVICES.values()}


def digests(report: Report) -> Iterator[bytes]:
    """The names under which the message may be known, as routes are stored."""
    if report.message_id:
        yield digest(report.message_id)
    if report.effect_key:
        yield digest(f"effect:{report.effect_key}")


def digest(name: str) -> bytes:
    """The SHA-256 under which a message's name is stored and found."""
    return hashlib.sha256(name.encode("utf-8", "replace")).digest()
