"""What a person does about a buyer who was not reached: another address, another copy, or the word that it arrived."""

from collections.abc import Sequence

from fulfillment.actions import delivery_addresses, emails, jobs, reach, tracking
from fulfillment.models import Email, Entitlement, Job, Reach
from fulfillment.tracking import Kind
from orders.models import Order
from profiles import clock
from profiles.actions import audit
from profiles.actors import Actor, Refusal

OF_ENTITLEMENT = ("product", "order__channel", "profile", "organization")
AT_ONCE = 200


class NothingToSend(Refusal):
    """Nothing of this order can be downloaded."""


def correct(order: Order, to: str, *, by: Actor, because: str, key: str, mail: bool = True) -> int:
    """Send this order's mail to another address and, if asked, its links at once; returns how many mails go out."""
    delivery_addresses.change(order, to, by=by, because=because)
    sent = send_again(order, by=by, because=because, key=key) if mail else 0
    reach.look([order.pk])
    return sent


def send_again(order: Order, *, by: Actor, because: str, key: str) -> int:
    """Mail new links for all of this order that can be downloaded; a delivery that failed starts again instead.

    Returns how many mails that makes.
    """
    rights = Entitlement.objects.filter(order=order, status__in=Entitlement.DOWNLOADABLE)
    failed = {job.entitlement_id: job for job in Job.objects.filter(entitlement__in=rights, state=Job.State.FAILED)}
    entitled = list(rights.select_related(*OF_ENTITLEMENT).order_by("pk"))
    if not entitled:
        raise NothingToSend("Nothing of this order can be downloaded now: there is nothing to send.")
    for job in failed.values():
        jobs.retry(job, by=by, because=because)
    ready = [entitlement for entitlement in entitled if entitlement.pk not in failed]
    if ready:
        emails.resend_all(ready, by=by, because=because, effect=f"resend:order:{order.pk}:{key}")
    reach.look([order.pk])
    # Deliveries that start again together are one mail as well.
    return bool(ready) + bool(failed)


def arrived(email: Email, *, by: Actor, because: str) -> Email:
    """A person knows that this message arrived: its job is done, and no further copy goes out."""
    by.require("resend")
    reason = audit.require_reason(because)
    tracking.say(email, Kind.DELIVERED, provider=tracking.STAFF, at=clock.now())
    email.refresh_from_db(fields=["state", "delivered_at", "bounced_at"])
    audit.record(
        "email.arrived", by=by, subject=email, because=reason, profile_id=email.profile_id, order_id=email.order_id
    )
    return email


def correct_all(rows: Sequence[Reach], *, by: Actor, because: str, key: str) -> tuple[int, int]:
    """Each of these rows to the address it likely meant; (orders corrected, mails on the way)."""
    done = mails = 0
    for row in rows[:AT_ONCE]:
        if row.suggestion and row.why:
            mails += correct(row.order, row.suggestion, by=by, because=because, key=key)
            done += 1
    return done, mails
