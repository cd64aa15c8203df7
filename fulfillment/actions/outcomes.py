"""What came of handing messages to a provider: noted one by one, concluded by the batch."""

import random
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction

from fulfillment import backoff
from fulfillment.actions import emails, reach, routes
from fulfillment.models import Email
from fulfillment.providers.outcomes import Accepted, RefusedForGood, TryLater, Unknown
from profiles import bulk, clock, prepared

State = Email.State
UNKNOWN_AGAIN = timedelta(minutes=10)
LONGEST_NAME = 200
ACCEPTED = ("provider", "provider_message_id", "state", "last_error", "secrets", "lease_until", "done_at")

_NOTE = "SELECT fulfillment_note_accepted(%s::bigint, %s::bigint, %s::text, %s::text, %s)"


def note(email: Email, outcome: Accepted, *, provider: str) -> None:
    """Commit that a provider took it, by one statement before the next is sent: a kill costs one copy at most.

    What is claimed and noted is not sent again; `accept` concludes it together with the others of its batch.
    """
    name = outcome.provider_message_id[:LONGEST_NAME]
    prepared.fetch_again(_NOTE, [email.organization_id, email.pk, provider, name, clock.offset()])


def accept(taken: Sequence[tuple[Email, Accepted, str]]) -> None:
    """Providers took these, each under its own name: what follows for all of them, by a fixed number of statements."""
    now = clock.now()
    for email, outcome, provider in taken:
        email.provider, email.provider_message_id = provider, outcome.provider_message_id[:LONGEST_NAME]
        email.state, email.last_error, email.secrets, email.lease_until = State.SENT, "", "", None
        email.done_at = email.done_at or now
    rows = [email for email, _, _ in taken]
    bulk.update(Email, rows, ACCEPTED)
    routes.taken(rows)
    if orders := [row.order_id for row in rows if row.order_id and row.template in Email.CARRYING]:
        reach.touch(orders)


def conclude(email: Email, outcome: RefusedForGood | TryLater | Unknown, *, provider: str, asked: bool = True) -> None:
    """Write what came of a try in vain; where every provider rested and none was `asked`, it counts as none."""
    email.provider, email.lease_until = provider, None
    if isinstance(outcome, RefusedForGood):
        email.state, email.done_at, email.last_error = State.FAILED, clock.now(), outcome.sentence
    elif isinstance(outcome, TryLater):
        wait = backoff.seconds(
            email.attempts, random=random.random, pace=backoff.MAIL, at_least=outcome.retry_after or 0
        )
        email.attempts -= not asked
        email.state, email.last_error = State.QUEUED, outcome.sentence
        email.due_at = clock.now() + timedelta(seconds=wait)
        if backoff.exhausted(email.attempts, pace=backoff.MAIL):
            email.state = State.FAILED
    else:
        email.state, email.last_error = State.UNKNOWN, outcome.sentence
        email.due_at = clock.now() + UNKNOWN_AGAIN
        if email.attempts > 1:
            # Tried twice with the same Message-ID and no verdict: a third copy helps nobody.
            email.due_at = clock.now() + emails.NEVER
    with transaction.atomic():
        email.save(
            update_fields=[
                "provider", "lease_until", "state", "done_at", "last_error", "due_at", "attempts",
            ]
        )  # fmt: skip
        if email.order_id and email.template in Email.CARRYING:
            (reach.touch if email.state == State.QUEUED else reach.request)([email.order_id])
