"""Messages are handed to a mail service, or kept: one more queue of `config.drains` (SPEC FUL-5).

A claim is committed before the service is asked and the outcome after it; between them there is no transaction. That a
message was taken is noted before the next is sent, by one statement; what follows from it is concluded for the batch.
"""

import logging
from collections.abc import Sequence
from copy import copy
from functools import partial

from django.conf import settings

from fulfillment.actions import chains, emails, jobs, outcomes, routes, tracking
from fulfillment.models import Email
from fulfillment.providers import mail
from fulfillment.providers.outcomes import Accepted, RefusedForGood
from profiles import clock, tenancy
from profiles.actions import turns
from profiles.models import Organization
from support.actions import comparisons

log = logging.getLogger(__name__)

KEPT_AT_ONCE = 500
SENT_AT_ONCE = 50
Taken = tuple[Email, Accepted, str]


def outbox(organization_id: int) -> int:
    """E-mails are handed to a provider one by one, or kept where there is none."""
    claimed, waiting = turns.beside(organization_id, _sorted_out)
    if not waiting:
        return claimed
    with tenancy.organization(organization_id):
        organization = Organization.objects.get(pk=organization_id)
    taken: list[Taken] = []
    with mail.Chain(settings.EMAIL_PROVIDERS, now=clock.real, circuits=chains.remembered()) as chain:
        for email in waiting:
            sent = _send(email, chain, organization)
            if isinstance(sent.outcome, Accepted):
                outcomes.note(email, sent.outcome, provider=sent.provider or "")
                taken.append((email, sent.outcome, sent.provider or ""))
            else:
                turns.beside(organization_id, partial(_conclude, email, sent))
        chains.remember(chain)
    if taken:
        turns.beside(organization_id, partial(_accept, taken))
    return claimed


def _sorted_out() -> tuple[int, list[Email]]:
    """Claim a batch and keep what is to be kept; returns how many were claimed, and those to send."""
    claimed = emails.claim(SENT_AT_ONCE if settings.EMAIL_PROVIDERS else KEPT_AT_ONCE)
    kept = emails.keep(claimed) if claimed else []
    if kept:
        jobs.mailed(jobs.awaiting(kept), state=Email.State.KEPT)
        comparisons.mailed(kept)
    waiting = list(Email.objects.filter(pk__in=set(claimed) - set(kept)).order_by("due_at", "pk"))
    routes.announce(waiting)
    return len(claimed), waiting


def _send(email: Email, chain: mail.Chain, organization: Organization) -> mail.Delivery:
    # The attempt before was noted as taken, or had no answer and the provider has reported it since.
    if email.done_at or email.taken_at:
        return mail.Delivery(Accepted(email.provider_message_id, "reported"), email.provider)
    try:
        return chain.send(emails.compose(email, organization))
    except Exception as error:  # one message that cannot be written must not stop the others
        log.exception("email.unwritable", extra={"email": email.pk})
        return mail.Delivery(RefusedForGood(f"{type(error).__name__}: {error}"[:500]), None)


def _accept(taken: Sequence[Taken]) -> None:
    taken = [(copy(email), outcome, provider) for email, outcome, provider in taken]  # this may be done again
    outcomes.accept(taken)
    ids = [email.pk for email, _, _ in taken]
    jobs.mailed(jobs.awaiting(ids), state=Email.State.SENT)
    comparisons.mailed(ids)


def _conclude(email: Email, sent: mail.Delivery) -> None:
    if isinstance(sent.outcome, Accepted):
        raise TypeError("What was taken is concluded by _accept.")
    email = copy(email)  # this may be done again, from what was read
    outcomes.conclude(email, sent.outcome, provider=sent.provider or "", asked=bool(sent.tries or sent.provider))
    if email.state != Email.State.FAILED:
        tracking.settle([email.pk])  # a report may have come while we waited for the answer
        email.refresh_from_db(fields=["state"])
    if email.state in (Email.State.SENT, Email.State.FAILED):
        jobs.mailed(jobs.awaiting([email.pk]), state=email.state, error=email.last_error)
        comparisons.mailed([email.pk])
    elif email.given_up:
        jobs.note(jobs.awaiting([email.pk]), error=emails.NOBODY_KNOWS)
