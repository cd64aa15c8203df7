"""A customer's word that no more such mail is wanted, by one click (RFC 8058), and their change of mind.

Each mail carries a secret of its own. Only its hash is kept, with the message it leads to, which knows the address.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import models

from fulfillment import tokens
from fulfillment.actions import suppressions
from fulfillment.followups import Kind, Why
from fulfillment.models import Email, Entitlement, Followup, PageRoute, Suppression
from orders.models import Order
from profiles import bulk, clock, identifiers
from profiles.actions import audit, proofs
from profiles.actors import Actor
from profiles.models import Identifier, Organization

_ADDRESS = re.compile(r"/unsubscribe/[0-9a-f]{64}(?![0-9a-f])")
OWED = [str(kind) for kind in Kind if kind.owed]


@dataclass(frozen=True, slots=True)
class Issued:
    """A secret address of ours on a customer's page, at the only moment its secret is known."""

    secret: str
    page: str

    @property
    def masked(self) -> str:
        """Stands for the secret in the kept copy of a mail; unlike a link's or an invitation's in the same mail."""
        return f"{tokens.fragment(self.secret)}…{self.page[0]}"

    @property
    def masked_url(self) -> str:
        return f"{settings.BASE_URL}/{self.page}/{self.masked}"


def issue() -> Issued:
    """A new secret for a mail that is about to be written; `remember` it once the mail has its id."""
    return Issued(tokens.make(), "unsubscribe")


def remember(issued: Iterable[tuple[Email, Issued]]) -> None:
    """Keep which message each secret leads to: one statement whatever their number."""
    rows = [
        PageRoute(digest=tokens.digest(one.secret), organization_id=email.organization_id, email_id=email.pk)
        for email, one in issued
    ]
    bulk.insert(PageRoute, rows)


def route(secret: str) -> PageRoute | None:
    """Whose unsubscribe or intake address this is, by hash; None for anything unknown or malformed."""
    if not tokens.well_formed(secret):
        return None
    return PageRoute.objects.filter(digest=tokens.digest(secret)).first()


def headers(email: Email, text: str, organization: Organization) -> dict[str, str]:
    """Where answers to a mail go, and the one click that unsubscribes from what is no part of a purchase.

    The click's address is the one in the mail's own text, so that it is held no longer than the text's other secrets.
    """
    reply_to = organization.support_email
    said = {"Reply-To": reply_to} if reply_to else {}
    if email.template in Email.UNASKED and (found := _ADDRESS.search(text)):
        said["List-Unsubscribe"] = f"<{settings.BASE_URL}{found[0]}>" + (
            f", <mailto:{reply_to}?subject=unsubscribe>" if reply_to else ""
        )
        said["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return said


def is_silenced(email: Email) -> bool:
    """Whether this mail's address gets nothing but what was bought."""
    return bool(suppressions.silenced([email.to]))


def confirm(email: Email, *, by: Actor) -> int:
    """Silence the address of this mail, and stop what waits to be sent to it; returns how many. Safe to repeat."""
    suppressions.add(email.to, organization_id=email.organization_id, reason=Suppression.Reason.UNSUBSCRIBED, by=by)
    waiting = _of(email).filter(state=Followup.State.WAITING).exclude(kind__in=OWED)
    return waiting.update(state=Followup.State.STOPPED, why=Why.UNSUBSCRIBED, ended_at=clock.now())


def take_back(email: Email, *, by: Actor) -> None:
    """The customer changed their mind: what they silenced themselves is lifted, a complaint or our own word is not."""
    address = identifiers.mailable(email.to) or email.to
    now = clock.now()
    rows = Suppression.objects.filter(address=address, reason=Suppression.Reason.UNSUBSCRIBED, lifted_at__isnull=True)
    if rows.update(lifted_at=now, lifted_by=by.label, lifted_because="Changed their mind on the unsubscribe page"):
        stopped = _of(email).filter(state=Followup.State.STOPPED, why=Why.UNSUBSCRIBED, due_at__gt=now)
        stopped.update(state=Followup.State.WAITING, why="", ended_at=None)
        audit.record("suppression.lifted", by=by, subject=email, profile_id=email.profile_id)


def _of(email: Email) -> models.QuerySet[Followup]:
    """The follow-ups that go where this mail went: of orders with that address, and of gifts to who has it."""
    address = identifiers.mailable(email.to) or email.to
    same = models.Q(email=address, delivery_email="") | models.Q(delivery_email=address)
    orders = list(Order.objects.filter(same).values_list("pk", flat=True))
    bearing = Identifier.objects.filter(kind=Identifier.Kind.EMAIL, value=address, profile__isnull=False)
    known = proofs.mail_addresses(bearing.values_list("profile_id", flat=True))
    owners = [profile_id for profile_id, addresses in known.items() if addresses[0] == address]
    gifts = Entitlement.objects.filter(models.Q(profile__in=owners, order__isnull=True) | models.Q(order__in=orders))
    given = list(gifts.filter(line__isnull=True).values_list("pk", flat=True))
    # Ids, not subqueries: each side of an OR goes by its own index.
    return Followup.objects.filter(models.Q(order__in=orders) | models.Q(entitlement__in=given))
