"""A signed-in customer says that one more address is theirs: six digits go there, and come back by their own hand."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import F

from fulfillment import codes
from fulfillment.actions import emails, libraries, library_mails
from fulfillment.actions.libraries import Opened
from fulfillment.models import AddressProof, Email, LibrarySession
from profiles import clock, identifiers
from profiles.actions import audit, proofs, turns
from profiles.actions.proofs import Attached
from profiles.actors import Actor, Invalid, Refusal
from profiles.models import Profile

LIVES = timedelta(minutes=10)
AN_HOUR_AT_MOST = 5


class TooManyCodes(Refusal):
    status = 429
    title = "Too many codes"


class WrongCode(Refusal):
    """These are not the digits, or they are no longer taken; one sentence for both."""

    status = 400
    title = "Wrong code"


@dataclass(frozen=True, slots=True)
class Proved:
    """What came of a right code. `reopened` is the session that takes the place of one that ended with its customer."""

    attached: Attached
    address: str
    reopened: Opened | None = None


def start(profile: Profile, address: str, *, by: Actor) -> AddressProof:
    """Mail a code to this address; a former code of this customer dies. Raises Invalid or TooManyCodes.

    Nothing is said of whether the address is known: its owner alone reads the answer.
    """
    to = identifiers.mailable(address)
    if not to:
        raise Invalid("That is not one usable e-mail address.")
    Profile.objects.select_for_update(no_key=True).get(pk=profile.pk)
    now = clock.now()
    mine = AddressProof.objects.filter(profile=profile)
    if mine.filter(started_at__gt=now - timedelta(hours=1)).count() >= AN_HOUR_AT_MOST:
        raise TooManyCodes("Several codes were mailed within the hour; please try again later.")
    mine.filter(proved_at__isnull=True, ended_at__isnull=True).update(ended_at=now)
    code = codes.make()
    row = AddressProof.objects.create(
        organization_id=profile.organization_id,
        profile=profile,
        address=to,
        code=digest(code, to),
        started_at=now,
        expires_at=now + LIVES,
    )
    letter = library_mails.write(
        "address_code",
        profile,
        secrets={codes.MASK: code},
        values={"minutes": str(LIVES // timedelta(minutes=1))},
        code=codes.MASK,
    )
    emails.post(
        f"address_code:{row.pk}", Email.Template.EMAIL_CHANGE, to, letter, profile=profile, by=by, until=row.expires_at
    )
    audit.record("address.asked", by=by, subject=row, profile_id=profile.pk)
    return row


def waiting(profile_id: int) -> AddressProof | None:
    """The code that is being waited for, if it is still taken."""
    rows = AddressProof.objects.filter(
        profile=profile_id,
        proved_at__isnull=True,
        ended_at__isnull=True,
        expires_at__gt=clock.now(),
        tries__lt=codes.TRIES,
    )
    return rows.order_by("-pk").first()


def count_try(profile_id: int, typed: str) -> AddressProof | None:
    """Count one try, and say whether it is the code. Commit this before `finish`: a wrong try must not be undone."""
    row = waiting(profile_id)
    if row is None or not AddressProof.objects.filter(pk=row.pk, tries__lt=codes.TRIES).update(tries=F("tries") + 1):
        return None
    right = codes.matches(typed, about=_about(row.address), key=settings.SECRET_KEY, kept=bytes(row.code))
    return row if right else None


def finish(row: AddressProof, *, session: LibrarySession) -> Proved:
    """The code was right: the address is theirs. Raises Unusable, or WrongCode where another press was first."""
    turns.alone(row.organization_id)  # before any lock: two customers may become one
    proved = AddressProof.objects.filter(pk=row.pk, proved_at__isnull=True, ended_at__isnull=True)
    if not proved.update(proved_at=clock.now()):
        raise WrongCode(TOLD)
    by = Actor.customer()
    attached = proofs.attach(row.profile_id, row.address, by=by, how="a code mailed to the address")
    return Proved(attached, row.address, reopened(session, attached))


def reopened(session: LibrarySession, attached: Attached) -> Opened | None:
    """A session ends with its customer; who just proved both addresses goes on as who they are now."""
    if attached.merge is None or attached.profile_id == session.profile_id:
        return None
    profile = Profile.objects.get(pk=attached.profile_id)
    return libraries.open_for(profile, by="Proof of two addresses", network=session.network, agent=session.agent)


TOLD = "That is not the code, or it is no longer taken. Codes work for ten minutes and five tries."


def digest(code: str, address: str) -> bytes:
    """What is stored of a code."""
    return codes.digest(code, about=_about(address), key=settings.SECRET_KEY)


def _about(address: str) -> str:
    return f"address {address}"
