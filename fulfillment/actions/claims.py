"""Signing in to a library: an invitation asks, a link is mailed to the address on record, a press of its button opens.

Opening an address uses nothing up, however often a scanner does it. One sign-in link of a customer lives at a time, ten
minutes long; of many presses of its button exactly one opens a session (RELIABILITY §4.13).
"""

from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import QuerySet

from fulfillment import tokens
from fulfillment.actions import emails, invitations, libraries, library_mails, phrasing, unsubscribes
from fulfillment.actions.invitations import Issued
from fulfillment.actions.libraries import Opened
from fulfillment.models import Claim, ClaimRoute, Email, Entitlement
from profiles import clock
from profiles.actions import audit, proofs
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Identifier, Profile

Kind = Claim.Kind
LIVES = timedelta(minutes=10)
AN_HOUR_AT_MOST = 6
TITLES_AT_MOST = 5
PROVED_BY = {Kind.SIGN_IN: "a sign-in link mailed to it", Kind.AUTH0: "Auth0, signed in by it"}


class LinkEnded(Refusal):
    """A sign-in link that opens nothing (any more); the sentence says why."""

    status = 410
    title = "Link ended"


class LinkUsed(LinkEnded):
    title = "Link used"


class LinkReplaced(LinkEnded):
    title = "Link replaced"


class NothingWaits(Refusal):
    """There is nothing that an invitation could lead to."""

    status = 410
    title = "Nothing to claim"


@dataclass(frozen=True, slots=True)
class Asker:
    """What is kept of a request: the coarse network, the browser's own words, and the hash of its cookie."""

    network: str = ""
    agent: str = ""
    browser: bytes | None = None


def route(secret: str) -> int | None:
    """The organization of an invitation, sign-in link, session or change, by hash; None for anything unknown."""
    if not tokens.well_formed(secret):
        return None
    found = ClaimRoute.objects.filter(digest=tokens.digest(secret)).values_list("organization_id", flat=True).first()
    return found


def find(secret: str) -> Claim | None:
    """The invitation or sign-in link of this secret. Needs the context set."""
    return Claim.objects.select_related("profile", "organization").filter(digest=tokens.digest(secret)).first()


def owned(profile_id: int) -> QuerySet[Entitlement]:
    """What the customer may download now."""
    rows = Entitlement.objects.filter(profile=profile_id, status__in=Entitlement.DOWNLOADABLE)
    return rows.select_related("product").order_by("pk")


def check(claim: Claim) -> None:
    """Raise LinkUsed, LinkReplaced or LinkEnded where a sign-in link opens nothing now."""
    if claim.used_at:
        raise LinkUsed("This link was used. Each link opens the library once.")
    if claim.ended_at:
        raise LinkReplaced("A newer link was asked for, and took the place of this one.")
    if claim.expires_at is None or claim.expires_at <= clock.now():
        raise LinkEnded("This link has expired. Sign-in links work for ten minutes.")


def address_of(profile_id: int, *, preferred: str = "") -> str:
    """Where a sign-in link may go: the preferred address if it is on record for mail, else the customer's first."""
    known = proofs.mail_addresses([profile_id]).get(profile_id, [])
    return preferred if preferred in known else next(iter(known), "")


def customer_of(address: str) -> Profile | None:
    """Who has something to download under this normalised address; None for everybody else."""
    rows = Identifier.objects.filter(
        kind=Identifier.Kind.EMAIL, value=address, status=Identifier.Status.ACTIVE, profile__merged_into__isnull=True
    )
    row = rows.select_related("profile").first()
    return row.profile if row is not None and row.profile is not None and _has_a_library(row.profile) else None


def _has_a_library(profile: Profile) -> bool:
    """A customer once claimed may look at their receipts, whatever became of the products."""
    return profile.claimed_at is not None or Entitlement.objects.filter(profile=profile).exists()


def ask(profile: Profile, *, asker: Asker, preferred: str = "") -> Issued | None:
    """Mail a sign-in link to the address on record; the former link dies. None where too many were asked for, or no
    address is known: the visitor is told the same."""
    issued = begin(profile, Kind.SIGN_IN, asker=asker, preferred=preferred)
    if issued is None:
        return None
    claim = issued.claim
    letter = library_mails.write(
        "claim",
        profile,
        link=issued.masked_url,
        secrets={issued.masked: issued.secret},
        values={"minutes": str(LIVES // timedelta(minutes=1))},
    )
    emails.post(
        f"claim:{claim.pk}",
        Email.Template.CLAIM,
        claim.to,
        letter,
        profile=profile,
        by=Actor.customer(),
        until=claim.expires_at,
    )
    return issued


def begin(profile: Profile, kind: str, *, asker: Asker, preferred: str = "") -> Issued | None:
    """Make a sign-in of ten minutes without mailing anything; it takes the place of the customer's former one."""
    Profile.objects.select_for_update(no_key=True).get(pk=profile.pk)
    to = address_of(profile.pk, preferred=preferred)
    now = clock.now()
    mine = Claim.objects.filter(profile=profile).exclude(kind=Kind.INVITATION)
    if not to or mine.filter(created_at__gt=now - timedelta(hours=1)).count() >= AN_HOUR_AT_MOST:
        return None
    mine.filter(used_at__isnull=True, ended_at__isnull=True).update(ended_at=now)
    (issued,) = invitations.make(
        [
            Claim(
                organization_id=profile.organization_id,
                kind=kind,
                profile=profile,
                to=to,
                created_at=now,
                expires_at=now + LIVES,
                browser=asker.browser,
                network=asker.network,
                agent=asker.agent[:200],
            )
        ]
    )
    audit.record("claim.asked", by=Actor.customer(), subject=issued.claim, profile_id=profile.pk)
    return issued


def confirm(claim: Claim, *, asker: Asker) -> Opened:
    """Use the link once: its address is proved, the customer claimed, a session opened.

    Raises LinkUsed, LinkReplaced, LinkEnded, or NotTheirs where the address went elsewhere meanwhile. The use is one
    conditional update, so that of many presses at once exactly one opens.
    """
    if claim.kind == Kind.INVITATION:
        raise Invalid("An invitation opens nothing by itself.")
    _lock_owner(claim)
    spend(claim)
    profile = proofs.verify(claim.profile_id, claim.to, by=Actor.customer(), how=PROVED_BY[Kind(claim.kind)])
    return libraries.open_for(profile, by=claim.get_kind_display(), network=asker.network, agent=asker.agent)


def spend(claim: Claim) -> None:
    """Use a sign-in up, once. Raises LinkUsed, LinkReplaced or LinkEnded."""
    now = clock.now()
    live = Claim.objects.filter(pk=claim.pk, used_at__isnull=True, ended_at__isnull=True, expires_at__gt=now)
    if not live.update(used_at=now):
        claim.refresh_from_db()
        check(claim)
        raise LinkUsed("This link was used. Each link opens the library once.")


def _lock_owner(claim: Claim) -> None:
    """The customer before the claim, as a merge takes them; and again where a merge was first."""
    for _ in range(2):
        former = claim.profile_id
        Profile.objects.select_for_update(no_key=True).get(pk=former)
        claim.refresh_from_db(fields=["profile"])
        if claim.profile_id == former:
            return


# By staff ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reach:
    """Where an invitation to a customer would go, or why none can."""

    to: str = ""
    titles: list[str] = field(default_factory=list)
    cannot: str = ""


def reach(profile: Profile) -> Reach:
    """What stands in the way of an invitation, in a sentence; three queries."""
    titles = [one.product.title for one in owned(profile.pk)]
    if profile.merged_into_id:
        return Reach(cannot="This customer was merged into another one.")
    if not titles:
        return Reach(cannot="There is nothing this customer could download.")
    to = address_of(profile.pk)
    return Reach(to, titles) if to else Reach(cannot="There is no usable e-mail address on record.")


def send(profile: Profile, *, by: Actor, because: str, key: str) -> Email:
    """Mail the invitation to the library again; `key` makes a double press one mail. Raises NothingWaits."""
    by.require("resend")
    reason = audit.require_reason(because)
    effect = f"invitation:{profile.pk}:{key}"[:160]
    if known := Email.objects.filter(effect_key=effect).first():
        return known
    found = reach(profile)
    if found.cannot:
        raise NothingWaits(found.cannot)
    mail = write(profile, found, effect, Email.Template.CLAIM, by=by)
    audit.record("claim.sent", by=by, subject=mail, because=reason, profile_id=profile.pk)
    return mail


def write(profile: Profile, found: Reach, effect: str, template: str, *, by: Actor) -> Email:
    """One mail with a fresh invitation, as a claim link or as a reminder."""
    (issued,) = invitations.make(
        [
            Claim(
                organization_id=profile.organization_id,
                kind=Kind.INVITATION,
                profile=profile,
                to=found.to,
                created_at=clock.now(),
            )
        ]
    )
    leave = unsubscribes.issue() if template == Email.Template.REMINDER else None
    secrets = {issued.masked: issued.secret} | ({leave.masked: leave.secret} if leave else {})
    letter = library_mails.write(
        "invitation" if template == Email.Template.CLAIM else "claim_reminder",
        profile,
        link=issued.masked_url,
        secrets=secrets,
        values={"products": phrasing.titled(found.titles, at_most=TITLES_AT_MOST)},
        unsubscribe_url=leave.masked_url if leave else "",
    )
    mail = emails.post(effect, template, found.to, letter, profile=profile, by=by)
    assert mail is not None, "the caller has looked for the key"
    if leave:
        unsubscribes.remember([(mail, leave)])
    return mail
