"""A customer's addresses: one more by a code, another one for mail in two steps, and the veto of the former one."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from fulfillment.actions import address_proofs, claims, email_changes, libraries
from fulfillment.actions.address_proofs import TooManyCodes, WrongCode
from fulfillment.actions.email_changes import Link, TooManyChanges
from fulfillment.models import EmailChange, LibrarySession
from fulfillment.views import pages, sessions
from fulfillment.views.claims import library_url
from fulfillment.views.libraries import route
from profiles import identifiers, tenancy
from profiles.actions import proofs
from profiles.actors import Actor, Refusal

CODES_TO_ONE_ADDRESS = 3
TRIES_AN_HOUR = 30
State = EmailChange.State


@csrf_exempt  # see pages.is_forged
def page(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The signed-in customer's addresses; POST `act` is one of add, code, change, confirm."""
    if request.method not in ("GET", "HEAD", "POST"):
        return pages.wrong_method("GET", "HEAD", "POST")
    organization_id = route(slug)
    if organization_id is None:
        return pages.unknown(request)
    with tenancy.organization(organization_id):
        session = sessions.of(request, organization_id)
    if session is None:
        return pages.private(HttpResponseRedirect(f"/library/{slug}/", status=303))
    if request.method != "POST" or pages.is_forged(request):
        return _drawn(request, session)
    act = ACTS.get(request.POST.get("act", ""))
    if act is None:
        return _drawn(request, session)
    try:
        return act(request, session)
    except (TooManyCodes, TooManyChanges) as refusal:
        return _drawn(request, session, trouble=str(refusal), status=429)
    except Refusal as refusal:
        return _drawn(request, session, trouble=str(refusal), status=400)


@csrf_exempt  # the address itself is the secret that a forged request would lack; forged ones are refused besides
def change(request: HttpRequest, secret: str) -> HttpResponseBase:
    """The two mailed addresses of a change: where its code is entered, and where the former address stops it."""
    if request.method not in ("GET", "HEAD", "POST"):
        return pages.wrong_method("GET", "HEAD", "POST")
    organization_id = claims.route(secret)
    if organization_id is None:
        return pages.unknown(request)
    press = request.method == "POST" and not pages.is_forged(request)
    with tenancy.organization(organization_id):
        link = email_changes.find(secret)
        if link is None:
            return pages.unknown(request)
        if press and link.is_veto:
            return _vetoed(request, link)
    if not press:
        return _change_page(request, link)
    trouble = _entered(request, organization_id, link)
    with tenancy.organization(organization_id):
        link = email_changes.find(secret) or link
    return _change_page(request, link, trouble=trouble)


def _vetoed(request: HttpRequest, link: Link) -> HttpResponseBase:
    try:
        row = email_changes.veto(link.change)
    except Refusal:
        return _change_page(request, link)
    return _change_page(request, Link(row, True))


def _entered(request: HttpRequest, organization_id: int, link: Link) -> str:
    """Enter a code; '' where it was right. A try counts whatever becomes of it, so it commits by itself."""
    typed = request.POST.get("code", "")[:40]
    with tenancy.organization(organization_id):
        right = email_changes.count_try(link.change, typed)
    if not right:
        return WRONG if link.change.state == State.WAITING else ""
    try:
        with tenancy.organization(organization_id):
            email_changes.confirm(link.change)
    except Refusal as refusal:
        return str(refusal)
    return ""


WRONG = "That is not the code. After five wrong ones the change has to be started anew."


def _change_page(request: HttpRequest, link: Link, *, trouble: str = "") -> HttpResponseBase:
    row = link.change
    over = row.state not in EmailChange.OPEN if not link.is_veto else not email_changes.may_veto(row)
    context = {
        **pages.of_seller(row.organization),
        "veto": link.is_veto,
        "state": row.state,
        "open": row.state == State.WAITING and not over,
        "may_veto": link.is_veto and not over,
        "masked_email": pages.masked(row.to),
        "former": pages.masked(row.former),
        "by_staff": row.by_staff,
        "due_at": row.due_at,
        "trouble": trouble,
        "library_url": library_url(row.organization),
    }
    gone = over and row.state not in (State.DONE, State.VETOED)
    status = 400 if trouble else 410 if gone else 200
    return pages.private(render(request, "claim/address.html", context, status=status))


# The acts of the signed-in page ---------------------------------------------------------------------------------


def _limit(request: HttpRequest) -> str:
    """The typed address; raises TooManyCodes where it was written to several times within the hour, by whomever."""
    typed = request.POST.get("email", "")[:400].strip()
    usable = identifiers.mailable(typed) or ""
    if usable and pages.is_too_often("code", usable, at_most=CODES_TO_ONE_ADDRESS):
        raise TooManyCodes("Several codes went to this address within the hour; please try again later.")
    return typed


def _add(request: HttpRequest, session: LibrarySession) -> HttpResponseBase:
    typed = _limit(request)
    with tenancy.organization(session.organization_id):
        address_proofs.start(session.profile, typed, by=Actor.customer())
    return _drawn(request, session)


def _code(request: HttpRequest, session: LibrarySession) -> HttpResponseBase:
    """A wrong try is counted and committed before anything else happens."""
    with tenancy.organization(session.organization_id):
        row = address_proofs.count_try(session.profile_id, request.POST.get("code", "")[:40])
    if row is None:
        raise WrongCode(address_proofs.TOLD)
    with tenancy.organization(session.organization_id):
        proved = address_proofs.finish(row, session=session)
    if proved.attached.review is not None:
        return _drawn(request, session, said="Thank you. We have to look at this by hand, and will come back to you.")
    if proved.reopened is not None:
        answer = HttpResponseRedirect(f"{library_url(session.organization)}addresses", status=303)
        return pages.private(sessions.begin(answer, proved.reopened))
    said = "The address is yours now."
    if proved.attached.merge is not None:
        said = "The address is yours now, and what was bought with it stands in your library."
    return _drawn(request, session, said=said)


def _change(request: HttpRequest, session: LibrarySession) -> HttpResponseBase:
    typed = _limit(request)
    with tenancy.organization(session.organization_id):
        email_changes.start(
            session.profile, typed, by=Actor.customer(), moves_orders=request.POST.get("moves_orders") == "yes"
        )
    return _drawn(request, session)


def _confirm(request: HttpRequest, session: LibrarySession) -> HttpResponseBase:
    with tenancy.organization(session.organization_id):
        row = email_changes.open_of(session.profile_id)
        right = row is not None and email_changes.count_try(row, request.POST.get("code", "")[:40])
    if row is None or not right:
        raise WrongCode(WRONG)
    with tenancy.organization(session.organization_id):
        row = email_changes.confirm(row)
        follows = row.profile_id != session.profile_id
        opened = (
            libraries.open_for(row.profile, by="Change of address", network=session.network, agent=session.agent)
            if follows
            else None
        )
    if opened is not None:
        answer = HttpResponseRedirect(f"{library_url(session.organization)}addresses", status=303)
        return pages.private(sessions.begin(answer, opened))
    if row.state == State.STOPPED:
        return _drawn(request, session, said="Thank you. We have to look at this by hand, and will come back to you.")
    return _drawn(request, session, said="Done. Mail goes to the new address from now on.")


ACTS = {"add": _add, "code": _code, "change": _change, "confirm": _confirm}


def _drawn(
    request: HttpRequest, session: LibrarySession, *, trouble: str = "", said: str = "", status: int = 200
) -> HttpResponseBase:
    with tenancy.organization(session.organization_id):
        known = proofs.mail_addresses([session.profile_id]).get(session.profile_id, [])
        proof, row = address_proofs.waiting(session.profile_id), email_changes.open_of(session.profile_id)
    context: dict[str, Any] = {
        **pages.of_seller(session.organization),
        "addresses": known,
        "proof": proof,
        "change": row,
        "trouble": trouble,
        "said": said,
        "back_url": library_url(session.organization),
    }
    return pages.private(render(request, "library/addresses.html", context, status=status))
