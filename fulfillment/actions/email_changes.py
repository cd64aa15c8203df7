"""The address a customer's mail goes to, changed in two steps (SPEC SUP-14): a code to the new one, a veto to the old.

The customer starts it in the library, and it takes effect with the code. Staff start it with two data points on record,
and never finish it: the customer enters the code, and a day passes in which the former address may stop it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import F

from fulfillment import codes, tokens
from fulfillment.actions import claims, delivery_addresses, emails, libraries, library_mails
from fulfillment.models import ClaimRoute, Email, EmailChange, Entitlement, Job
from orders.models import Order, Payment
from profiles import bulk, clock, identifiers, tenancy
from profiles.actions import audit, proofs, turns
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Identifier, Profile

State = EmailChange.State
CODE_FOR = timedelta(hours=24)
VETO_FOR = timedelta(hours=24)
TAKEN_BACK_FOR = timedelta(days=7)
AN_HOUR_AT_MOST = 5
POINTS = 2


class NotAllowed(Refusal):
    """The change is over, or not that far."""

    status = 410
    title = "Not possible any more"


class WrongCode(Refusal):
    """These are not the digits, or there were too many tries."""

    status = 400
    title = "Wrong code"


class TooManyChanges(Refusal):
    status = 429
    title = "Too many changes"


@dataclass(frozen=True, slots=True)
class Link:
    """A change as one of its two mailed addresses shows it."""

    change: EmailChange
    is_veto: bool


def change(row: EmailChange, state: str) -> None:
    """The one way through the transition table; raises NotAllowed. The caller saves."""
    if state not in EmailChange.TRANSITIONS[State(row.state)]:
        raise NotAllowed(f"This change of address is over: {row.get_state_display().lower()}.")
    row.state = state
    if state not in EmailChange.OPEN:
        row.ended_at, row.due_at = clock.now(), None


# Starting -------------------------------------------------------------------------------------------------------


def start(profile: Profile, to: str, *, by: Actor, moves_orders: bool = False) -> EmailChange:
    """The signed-in customer asks for another address. Raises Invalid or TooManyChanges."""
    return _start(profile, to, by=by, because="", by_staff=False, moves_orders=moves_orders)


def start_by_staff(
    profile: Profile, to: str, *, by: Actor, because: str, points: Sequence[str], moves_orders: bool = False
) -> EmailChange:
    """Staff ask for the customer, who stated two different data points that are on record. Raises Invalid."""
    by.require("change_email")
    reason = audit.require_reason(because)
    check(profile, to, points=points)
    return _start(profile, to, by=by, because=reason, by_staff=True, moves_orders=moves_orders)


def check(profile: Profile, to: str, *, points: Sequence[str]) -> None:
    """Whether staff may begin this: a usable address, and two data points on record. Raises Invalid."""
    if not identifiers.mailable(to):
        raise Invalid("That is not one usable e-mail address.")
    stated = {point.strip().casefold() for point in points if point.strip()}
    if len(stated) < POINTS:
        raise Invalid("Name two different data points the customer stated, for example an order and an amount's card.")
    if unknown := sorted(stated - _on_record(profile)):
        raise Invalid(f"Not on record for this customer: {', '.join(unknown)}.")


def _on_record(profile: Profile) -> set[str]:
    """What a customer can state that a stranger does not know: identifiers, order numbers, the end of a card."""
    found = set(Identifier.objects.filter(profile=profile).values_list("value", flat=True))
    for number, external_id in Order.objects.filter(profile=profile).values_list("number", "external_id"):
        found |= {number, number.lstrip("#"), external_id}
    found |= set(Payment.objects.filter(order__profile=profile).values_list("last4", flat=True))
    return {point.casefold() for point in found if point}


def _start(profile: Profile, to: str, *, by: Actor, because: str, by_staff: bool, moves_orders: bool) -> EmailChange:
    usable = identifiers.mailable(to)
    if not usable:
        raise Invalid("That is not one usable e-mail address.")
    profile = Profile.objects.select_for_update(no_key=True).get(pk=profile.pk)
    if profile.merged_into_id:
        raise Invalid("This customer was merged into another one.")
    former = claims.address_of(profile.pk)
    if usable == former:
        raise Invalid("Mail goes to that address already.")
    owner = Identifier.objects.filter(kind="email", value=usable).exclude(profile=profile).first()
    if by_staff and owner is not None:
        raise Invalid(
            f"That address is customer {owner.profile_id}'s: if they are one person, merge them instead."
            if owner.profile_id
            else "That address is set aside and can belong to no customer."
        )
    now = clock.now()
    mine = EmailChange.objects.select_for_update(no_key=True).filter(profile=profile)
    if mine.filter(started_at__gt=now - timedelta(hours=1)).count() >= AN_HOUR_AT_MOST:
        raise TooManyChanges("The address was changed several times within the hour; please try again later.")
    for open_one in mine.filter(state__in=EmailChange.OPEN):
        change(open_one, State.REPLACED)
        open_one.save(update_fields=["state", "ended_at", "due_at"])
    code, confirm, veto = codes.make(), tokens.make(), tokens.make()
    row = EmailChange.objects.create(
        organization_id=profile.organization_id,
        profile=profile,
        former=former,
        to=usable,
        by_staff=by_staff,
        started_by=by.label[:200],
        reason=because,
        moves_orders=moves_orders,
        code=codes.digest(code, about=_about(usable), key=settings.SECRET_KEY),
        confirm_digest=tokens.digest(confirm),
        veto_digest=tokens.digest(veto),
        started_at=now,
        expires_at=now + CODE_FOR,
        due_at=now + CODE_FOR,
    )
    routes = [
        ClaimRoute(digest=digest, organization_id=row.organization_id)
        for digest in (row.confirm_digest, row.veto_digest)
    ]
    bulk.insert(ClaimRoute, routes)
    _tell(row, code=code, confirm=confirm, veto=veto, by=by)
    audit.record(
        "email_change.started",
        by=by,
        subject=row,
        because=because,
        profile_id=profile.pk,
        details={"by_staff": by_staff, "change": row.pk},
    )
    return row


def _tell(row: EmailChange, *, code: str, confirm: str, veto: str, by: Actor) -> None:
    """The code to the new address, the notice with the veto to the former one."""
    masks = {name: f"{tokens.fragment(secret)}…{name[0]}{row.pk}" for name, secret in (("c", confirm), ("v", veto))}
    letter = library_mails.write(
        "email_change",
        row.profile,
        link=address(masks["c"]),
        secrets={codes.MASK: code, masks["c"]: confirm},
        values={"hours": str(CODE_FOR // timedelta(hours=1))},
        code=codes.MASK,
    )
    post = {"profile": row.profile, "by": by, "until": row.expires_at}
    emails.post(f"email_change:{row.pk}:code", Email.Template.EMAIL_CHANGE, row.to, letter, **post)  # type: ignore[arg-type]
    if row.former:
        notice = library_mails.write(
            "email_change_notice",
            row.profile,
            link=address(masks["v"]),
            secrets={masks["v"]: veto},
            phrase={"begun": "begun_by_staff" if row.by_staff else "begun_by_customer"},
        )
        emails.post(f"email_change:{row.pk}:notice", Email.Template.EMAIL_CHANGE, row.former, notice, **post)  # type: ignore[arg-type]


def address(secret: str) -> str:
    """The public address of a change's page: where its code is entered, or where it is stopped."""
    return f"{settings.BASE_URL}/claim/address/{secret}"


# Reading --------------------------------------------------------------------------------------------------------


def find(secret: str) -> Link | None:
    """The change of this secret, and which of its two addresses it is. Needs the context set."""
    digest = tokens.digest(secret)
    rows = EmailChange.objects.select_related("profile", "organization")
    row = rows.filter(confirm_digest=digest).first() or rows.filter(veto_digest=digest).first()
    return Link(row, bytes(row.veto_digest) == digest) if row is not None else None


def open_of(profile_id: int) -> EmailChange | None:
    """The change of this customer that is under way."""
    return EmailChange.objects.filter(profile=profile_id, state__in=EmailChange.OPEN).order_by("-pk").first()


def may_veto(row: EmailChange) -> bool:
    """Whether the former address may still stop it, or take it back."""
    if row.state in EmailChange.OPEN:
        return True
    return row.state == State.DONE and row.done_at is not None and row.done_at > clock.now() - TAKEN_BACK_FOR


# The customer's steps -------------------------------------------------------------------------------------------


def count_try(row: EmailChange, typed: str) -> bool:
    """Count one try, and say whether it is the code. Commit this before `confirm`: a wrong try must not be undone."""
    live = EmailChange.objects.filter(pk=row.pk, state=State.WAITING, expires_at__gt=clock.now(), tries__lt=codes.TRIES)
    if not live.update(tries=F("tries") + 1):
        return False
    return codes.matches(typed, about=_about(row.to), key=settings.SECRET_KEY, kept=bytes(row.code))


def confirm(row: EmailChange) -> EmailChange:
    """The right code was entered: in effect at once, or a day after staff had started it. Raises NotAllowed."""
    turns.alone(row.organization_id)  # before any lock: two customers may become one
    row = EmailChange.objects.select_for_update(of=("self",), no_key=True).get(pk=row.pk)
    if row.state != State.WAITING or row.expires_at <= clock.now():
        raise NotAllowed(f"This change of address is over: {row.get_state_display().lower()}.")
    row.confirmed_at = clock.now()
    if row.by_staff and row.started_at + VETO_FOR > row.confirmed_at:
        change(row, State.CONFIRMED)
        row.due_at = row.started_at + VETO_FOR
        row.save(update_fields=["state", "confirmed_at", "due_at"])
        _audit("email_change.confirmed", row)
        return row
    return _take_effect(row)


def veto(row: EmailChange) -> EmailChange:
    """Whoever reads the former address says no: it never takes effect, or is taken back. Raises NotAllowed."""
    row = EmailChange.objects.select_for_update(of=("self",), no_key=True).select_related("profile").get(pk=row.pk)
    if row.state == State.VETOED:
        return row
    if not may_veto(row):
        raise NotAllowed(f"This change of address is over: {row.get_state_display().lower()}.")
    in_effect = row.state == State.DONE
    change(row, State.VETOED)
    row.save(update_fields=["state", "ended_at", "due_at"])
    if in_effect:
        # Whoever changed it may be in the library: everybody has to sign in again, by the former address.
        proofs.prefer(row.profile_id, row.former, instead_of=row.to, by=Actor.customer(), because="Vetoed")
        libraries.close_all(row.profile_id)
    _audit("email_change.vetoed", row)
    return row


# By the clock ---------------------------------------------------------------------------------------------------


def settle_due(limit: int) -> int:
    """Expire what nobody confirmed and let take effect what nobody stopped; returns how many."""
    now = clock.now()
    if not EmailChange.objects.filter(due_at__lte=now).exists():
        return 0
    turns.alone(tenancy.current())  # before any lock: two customers may become one
    rows = EmailChange.objects.select_for_update(of=("self",), skip_locked=True, no_key=True).select_related("profile")
    due = list(rows.filter(due_at__lte=now).order_by("due_at", "pk")[:limit])
    for row in due:
        if row.state == State.CONFIRMED:
            _take_effect(row)
        else:
            change(row, State.EXPIRED)
            row.save(update_fields=["state", "ended_at", "due_at"])
            _audit("email_change.expired", row)
    return len(due)


def _take_effect(row: EmailChange) -> EmailChange:
    by = Actor.customer()
    try:
        attached = proofs.attach(row.profile_id, row.to, by=by, how="a code mailed to the address")
        trouble = "A person has to look at it first." if attached.review else ""
    except proofs.Unusable as refusal:
        trouble = str(refusal)
    if trouble:
        change(row, State.STOPPED)
        row.trouble = trouble
        row.save(update_fields=["state", "ended_at", "due_at", "confirmed_at", "trouble"])
        _audit("email_change.stopped", row)
        return row
    row.profile_id = attached.profile_id
    proofs.prefer(row.profile_id, row.to, instead_of=row.former, by=by, because=row.reason)
    change(row, State.DONE)
    row.done_at = clock.now()
    row.save(update_fields=["profile", "state", "ended_at", "due_at", "confirmed_at", "done_at"])
    if row.moves_orders:
        _move_orders(row)
    _audit("email_change.done", row)
    return row


def _move_orders(row: EmailChange) -> None:
    """What is not yet delivered goes to the new address."""
    waiting = Job.objects.exclude(state__in=[Job.State.COMPLETED, Job.State.CANCELLED]).values("entitlement")
    owned = Entitlement.objects.filter(pk__in=waiting, profile=row.profile_id, order__isnull=False)
    because = "The customer's address changed, and what is not yet delivered with it"
    for order in Order.objects.filter(pk__in=owned.values("order")).order_by("pk"):
        delivery_addresses.change(order, row.to, by=Actor.system("change of address"), because=because)


def _about(to: str) -> str:
    return f"change {to}"


def _audit(action: str, row: EmailChange) -> None:
    audit.record(action, by=Actor.customer(), subject=row, profile_id=row.profile_id, details={"change": row.pk})
