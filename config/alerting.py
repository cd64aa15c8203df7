"""Tells people of alerts, by e-mail and Slack: one more queue of `config.drains`; the calls are made outside of it."""

import json
import uuid
from email.utils import parseaddr
from urllib.parse import urljoin

from django.conf import settings
from django.urls import reverse

from fulfillment.actions import chains
from fulfillment.providers import mail
from fulfillment.providers.outcomes import Accepted, OutgoingMail, TryLater, Unknown, message_id, sender
from profiles import clock, retries, tenancy
from profiles.models import Organization
from profiles.providers import outgoing
from support.actions import alerts
from support.models import Alert, AlertNotice

AT_ONCE = 20
SECONDS = 10.0


def notices(organization_id: int) -> int:
    """Send what waits to be told; returns how many notices were tried."""
    with tenancy.organization(organization_id):
        ids = alerts.claim(AT_ONCE)
        if not ids:
            return 0
        rows = list(AlertNotice.objects.filter(pk__in=ids).select_related("alert").order_by("pk"))
        organization = Organization.objects.get(pk=organization_id)
    with mail.Chain(settings.EMAIL_PROVIDERS, now=clock.real, circuits=chains.remembered()) as chain:
        for row in rows:
            by_slack = row.way == AlertNotice.Way.SLACK
            kept = not (settings.SLACK_WEBHOOK_URL if by_slack else settings.EMAIL_PROVIDERS)
            error, wait = "", None
            if not kept:
                error, wait = _slack(row, organization) if by_slack else _mail(row, organization, chain)
            with tenancy.organization(organization_id):
                alerts.conclude(row, error=error, wait=wait, kept=kept)
        chains.remember(chain)
    return len(ids)


def _mail(notice: AlertNotice, organization: Organization, chain: mail.Chain) -> tuple[str, int | None]:
    """The error of one try, '' if none, and for how long the other side asked us to wait."""
    address = parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
    mark = uuid.uuid5(uuid.NAMESPACE_URL, f"{organization.slug}/{notice.pk}").hex
    outgoing_mail = OutgoingMail(
        to=notice.to,
        from_email=sender("Aftersale", address),
        subject=f"[{organization.name}] {notice.alert.title}"[:200],
        text=f"{notice.alert.sentence}\n\n{address_of(notice.alert)}\n",
        html="",
        message_id=message_id(f"alert-{mark}", address),
        effect_key=f"alert:{organization.pk}:{notice.pk}",
    )
    outcome = chain.send(outgoing_mail).outcome
    if isinstance(outcome, Accepted | Unknown):
        return "", None  # a notice that may have gone out is not sent twice
    return outcome.sentence, outcome.retry_after if isinstance(outcome, TryLater) else None


def _slack(notice: AlertNotice, organization: Organization) -> tuple[str, int | None]:
    """Slack takes text with three characters escaped; a 200 whose body is not `ok` is no success."""
    words = f"{organization.name}: {notice.said}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = f"{words}\n<{address_of(notice.alert)}|Open the list>"
    try:
        answer = outgoing.request(
            "POST",
            settings.SLACK_WEBHOOK_URL,
            content=json.dumps({"text": text}).encode(),
            headers={"content-type": "application/json"},
            seconds=SECONDS,
            inside=not settings.PRODUCTION,
        )
    except (outgoing.Forbidden, outgoing.Unreachable) as failed:
        return str(failed), None
    if answer.status == 200 and answer.body.strip() == b"ok":
        return "", None
    wait = retries.asked_to_wait(answer.headers.get("retry-after", ""))
    return f"Slack answered {answer.status}: {answer.body[:100].decode('utf-8', 'replace')}", wait


def address_of(alert: Alert) -> str:
    """Where the desk shows what the alert is about, as a whole address."""
    # The desk is a third of all code; a process that only works off queues needs it for this alone.
    from support.admin import alerts as pages

    return urljoin(settings.BASE_URL, pages.address_of(alert) or reverse("admin:index"))
