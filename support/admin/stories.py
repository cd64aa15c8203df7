"""What the pages of an order and of a customer share, as drawn: verdicts with buttons, rights, letters, timeline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from attribution.models import Conversation
from fulfillment.models import DownloadLink, Email, Entitlement, Job
from orders.models import Order
from profiles.models import Merge, Profile
from support.admin import dialogs
from support.admin.base import address_of, masked, redacted, when, word
from support.admin.dialogs import Button
from support.queries import timelines
from support.queries.pages import OrderPage, ProfilePage
from support.queries.timelines import Entry
from support.queries.verdicts import Verdict

MODELS = {"order": Order, "email": Email, "entitlement": Entitlement, "merge": Merge, "conversation": Conversation}
ICONS = {
    "order": "shopping_bag",
    "payment": "payments",
    "refund": "undo",
    "dispute": "gavel",
    "status": "flag",
    "entitlement": "key",
    "job": "conveyor_belt",
    "link": "link",
    "download": "download",
    "email": "mail",
    "bounce": "unsubscribe",
    "email_delivered": "mark_email_read",
    "email_read": "drafts",
    "complaint": "report",
    "attribution": "hub",
    "conversation": "forum",
    "merge": "merge",
    "store_visit": "storefront",
    "intent": "favorite",
    "store_alert": "notifications_active",
    "purchase": "shopping_bag",
    "pos_transaction": "point_of_sale",
    "product_view": "visibility",
    "product_inquiry": "help",
    "price_check": "sell",
    "cart": "shopping_cart",
    "cart_abandoned": "remove_shopping_cart",
    "checkout_started": "shopping_cart_checkout",
    "message": "chat",
    "email_opened": "drafts",
    "email_clicked": "ads_click",
    "page_view": "web",
    "button_click": "ads_click",
    "staff": "support_agent",
    "library": "local_library",
}
BAD = ("bounce", "complaint", "dispute")
# Addresses and other personal data stand in these fields of an entry.
PERSONAL = {
    **dict.fromkeys(("email", "bounce", "email_delivered", "email_read", "complaint"), "source"),
    "download": "detail",
    "message": "detail",
    "search": "detail",
}


@dataclass(frozen=True, slots=True)
class Head:
    """A verdict at the head of a page, with the buttons that would change it."""

    verdict: Verdict
    sentence: str
    chain: list[str]
    tone: str
    buttons: list[Button]


@dataclass(frozen=True, slots=True)
class Right:
    """One entitlement with its state, its delivery and its links."""

    row: Entitlement
    state: SafeString
    job: SafeString | str
    links: list["Given"]
    buttons: list[Button]
    order_url: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """One link that was given out."""

    row: DownloadLink
    state: SafeString
    expires: SafeString
    used: str
    because: str
    buttons: list[Button]


@dataclass(frozen=True, slots=True)
class Letter:
    """One message with its delivery state."""

    row: Email
    to: str
    state: SafeString
    at: SafeString
    trouble: str
    url: str


@dataclass(frozen=True, slots=True)
class Told:
    """One row of the timeline as drawn."""

    title: str
    icon: str
    at: SafeString
    day: str
    source: str
    detail: str
    url: str
    tone: str


def heads(verdicts: Sequence[Verdict], request: HttpRequest) -> list[Head]:
    """What cannot be had stands first; a right that only wants a new link is no alarm."""
    actor = request.actor  # type: ignore[attr-defined]
    found = []
    for verdict in sorted(verdicts, key=lambda v: v.can):
        made = (
            dialogs.button(act.name, act.subject_id, actor, label=act.label, first=not verdict.can)
            for act in verdict.acts
        )
        tone = "can" if verdict.can else "look" if [act.name for act in verdict.acts] == ["resend"] else "cannot"
        chain = [redacted(fact, request) for fact in verdict.chain]
        shown_acts = [one for one in made if one is not None]
        found.append(Head(verdict, redacted(verdict.sentence, request), chain, tone, shown_acts))
    return found


def rights(page: OrderPage | ProfilePage, actor: Any) -> list[Right]:
    """Each entitlement with its job, its links and the buttons that are legal."""
    jobs = {job.entitlement_id: job for job in page.jobs}
    links: dict[int, list[DownloadLink]] = {}
    for link in page.links:
        links.setdefault(link.entitlement_id, []).append(link)
    found = []
    for row in page.entitlements:
        job = jobs.get(row.pk)
        given = [_given(link, row, page, actor) for link in reversed(links.get(row.pk, []))]
        found.append(
            Right(
                row=row,
                state=word(row.status, row.get_status_display()),
                job=word(job.state, job.get_state_display()) if job else "",
                links=given[:5],
                buttons=dialogs.buttons(
                    actor,
                    ("resend", row.pk, row.downloadable),
                    ("temporary_link", row.pk, row.downloadable),
                    ("open_as_customer", row.pk, row.downloadable),
                    ("regenerate_links", row.pk, row.downloadable),
                    ("send_claim_link_of", row.pk, row.status == Entitlement.Status.PENDING_CLAIM),
                    ("retry", job.pk if job else 0, bool(job) and row.downloadable and _stuck(job)),
                    ("revoke", row.pk, row.status != Entitlement.Status.REVOKED),
                    ("restore", row.pk, not row.downloadable),
                ),
                order_url=address_of(Order, row.order_id) if row.order_id else "",
            )
        )
    return found


def _stuck(job: Job | None) -> bool:
    return job is not None and job.state not in (Job.State.COMPLETED, Job.State.CANCELLED)


def _given(link: DownloadLink, row: Entitlement, page: OrderPage | ProfilePage, actor: Any) -> Given:
    if link.revoked_at or not row.downloadable:
        state = word("revoked", "Dead")
    elif link.expires_at <= page.now:
        state = word("expired", "Expired")
    elif link.use_limit is not None and link.uses >= link.use_limit:
        state = word("expired", "Used up")
    else:
        state = word("active", "Live")
    lives = row.downloadable and not link.revoked_at and link.expires_at > page.now
    by_hand = " · ".join(part for part in (link.created_by, link.reason) if part)
    limit = f" of {link.use_limit}" if link.use_limit is not None else ""
    return Given(
        link,
        state,
        when(link.expires_at, page.now),
        f"used {link.uses}×{limit}",
        by_hand,
        dialogs.buttons(actor, ("revoke_link", link.pk, lives)),
    )


def standing(row: Email) -> SafeString:
    """Where a message stands: what its provider reported, the worst first, before what we know by ourselves."""
    if row.bounced_at:
        return word("bounced", "Bounced")
    if row.complained_at:
        return word("failed", "Complained about")
    if row.opened_at:
        return word("done", "Opened")
    if row.delivered_at:
        return word("delivered", "Delivered")
    if row.soft_bounced_at or row.deferred_at:
        return word("unknown", "Put off by the mailbox")
    return word(row.state, row.get_state_display())


def letters(rows: Iterable[Email], request: HttpRequest) -> list[Letter]:
    """Each message, newest first."""
    may_read = request.actor.may("view_pii")  # type: ignore[attr-defined]
    found = [
        Letter(
            row=row,
            to=masked(row.to, request),
            state=standing(row),
            at=when(row.created_at),
            trouble=redacted(row.bounce or row.last_error, request),
            url=dialogs.url_of("letter", row.pk) if may_read else "",
        )
        for row in rows
    ]
    return found[::-1]


def shown(entries: Iterable[Entry], request: HttpRequest) -> list[Told]:
    """The timeline, newest first, each with its exact time on hover and personal data as the role may see it."""
    here = request.path
    found = []
    for entry in timelines.told(entries):
        values = {"source": redacted(entry.source, request), "detail": redacted(entry.detail, request)}
        personal = PERSONAL.get(entry.type)
        if personal:
            values[personal] = masked(values[personal], request)
        url = _url(entry.ref)
        found.append(
            Told(
                title=redacted(entry.title, request),
                icon=ICONS.get(entry.type, "radio_button_unchecked"),
                at=when(entry.at),
                day=f"{entry.at:%A, %-d %B %Y}",
                source=values["source"],
                detail=values["detail"],
                url="" if url == here else url,
                tone="bad" if entry.type in BAD else "staff" if entry.type == "staff" else "",
            )
        )
    return found


def _url(ref: str) -> str:
    name, _, number = ref.partition(":")
    model = MODELS.get(name)
    return address_of(model, int(number)) if model is not None and number.isdigit() else ""


def person(profile: Profile, request: HttpRequest) -> SafeString:
    """A customer's name, leading to their page."""
    return format_html(
        '<a class="link" href="{}">{}</a>', address_of(profile, profile.pk), masked(str(profile), request)
    )
