"""An organization's own words for its mails: kept by version, shown before they count, tried on oneself.

A mail is never stopped by them: words that cannot be used any more give way to the built-in ones.
"""

import logging
from collections.abc import Collection
from dataclasses import replace

from django.db.models import Max

from fulfillment import followups, phrases, wordings
from fulfillment.actions import emails, phrasing
from fulfillment.actions.letters import Letter
from fulfillment.actions.phrasing import Saying
from fulfillment.models import Email, MailTemplate
from fulfillment.queries import followups as kept
from fulfillment.wordings import Wording
from orders.models import Line, Order
from profiles import clock, identifiers
from profiles.actions import audit
from profiles.actors import Actor, Invalid
from profiles.models import Organization

log = logging.getLogger(__name__)

# Whose words may be changed: what is written after a purchase, and about the library. The footer stays the house's, so
# that whoever did not ask for a link or a code always reads that there is nothing to do.
AFTER_PURCHASE = tuple(str(kind) for kind in followups.Kind)
SORTS = (*AFTER_PURCHASE, *wordings.OF_LIBRARY)
UNASKED = (*AFTER_PURCHASE, "claim_reminder")
SAMPLE_CODE = "123456"
PERMISSION = "manage_policies"


def change(
    organization: Organization, sort: str, language: str, *, subject: str, body: str, by: Actor, because: str
) -> MailTemplate:
    """Let these words count from now on, as a new version. Raises Invalid with what they may and must contain."""
    by.require(PERMISSION)
    reason = audit.require_reason(because)
    wording = check(sort, language, Wording(subject, body))
    return _keep(organization, sort, language, wording, by=by, because=reason)


def reset(organization: Organization, sort: str, language: str, *, by: Actor, because: str) -> MailTemplate:
    """Go back to the built-in words; the own ones stay on record, and can be typed again."""
    by.require(PERMISSION)
    reason = audit.require_reason(because)
    _check_sort(sort, language)
    return _keep(organization, sort, language, Wording("", ""), by=by, because=reason)


def check(sort: str, language: str, wording: Wording) -> Wording:
    """These words, tidied. Raises Invalid."""
    _check_sort(sort, language)
    try:
        return wordings.checked(sort, wording)
    except wordings.Unusable as fault:
        raise Invalid(str(fault)) from None


def preview(organization: Organization, sort: str, language: str, wording: Wording) -> Letter:
    """The mail as the buyer of the newest order would get it, or of a made-up one; its links lead nowhere."""
    order = Order.objects.select_related("channel").order_by("-placed_at", "-pk").first()
    line = Line.objects.filter(order=order).select_related("product").first() if order else None
    title = line.product.title if line and line.product else "The Tide Atlas"
    values = {"product": title, "offered": "Harbour Sketches", "link": "https://example.org/preview"}
    values |= {"products": title, "minutes": "10", "hours": "24", "begun": phrasing.said(language, "begun_by_staff")}
    if order is None:
        values |= {"customer_name": "Ada Byron", "order_number": "1001"}
    saying = Saying(
        sort,
        organization,
        language,
        order=order,
        values=values,
        samples=[title],
        unsubscribe_url="https://example.org/u" if sort in UNASKED else "",
        code=SAMPLE_CODE,
    )
    return phrasing.write(saying, wording)


def try_out(
    organization: Organization,
    sort: str,
    language: str,
    wording: Wording,
    *,
    to: str,
    by: Actor,
    because: str,
    key: str,
) -> Email:
    """Mail the preview to the member of staff who asks for it, and to nobody else; `key` makes a double press one."""
    by.require(PERMISSION)
    reason = audit.require_reason(because)
    effect = f"test:{key}"[:160]
    if known := Email.objects.filter(effect_key=effect).first():
        return known
    usable = identifiers.mailable(to)
    if not usable:
        raise Invalid("Your own login has no usable e-mail address: have one set, then try again.")
    letter = preview(organization, sort, language, check(sort, language, wording))
    marked = Letter(f"[Test] {letter.subject}"[:300], letter.text, letter.html)
    row = emails.draft(
        effect, Email.Template.TEST, usable, marked, about=f"test/{sort}", order=None, organization_id=organization.pk
    )
    row.by_person = True
    row.save(force_insert=True)
    audit.record("mail_template.tried", by=by, subject=row, because=reason, details={"template": sort})
    return row


def write(saying: Saying) -> Letter:
    """This mail in the organization's own words where they can be used, else in the built-in ones, with why."""
    own, fault = judged(saying.sort, kept.own_words(saying.sort, saying.language))
    if fault:
        note_unusable({(saying.sort, saying.language)})
    return replace(phrasing.write(saying, own), instead=fault)


def judged(sort: str, own: Wording | None) -> tuple[Wording | None, str]:
    """An organization's own words if they can still be used, else the sentence that says why they cannot.

    What is allowed may have changed since they were kept.
    """
    if own is None:
        return None, ""
    try:
        return wordings.checked(sort, own), ""
    except wordings.Unusable as fault:
        return None, str(fault)


def note_unusable(mails: Collection[tuple[str, str]]) -> None:
    """Keep since when mails of these sorts and languages go out in the built-in words; no statement for none."""
    if not mails:
        return
    rows = [row for key, row in kept.versions_that_count().items() if key in mails]
    MailTemplate.objects.filter(pk__in=[row.pk for row in rows], unusable_at__isnull=True).update(
        unusable_at=clock.now()
    )
    for row in rows:
        log.warning("mail_template.unusable", extra={"template": row.template, "language": row.language})


def _check_sort(sort: str, language: str) -> None:
    if sort not in SORTS or language not in phrases.LANGUAGES:
        raise Invalid("There is no such mail in that language.")


def _keep(
    organization: Organization, sort: str, language: str, wording: Wording, *, by: Actor, because: str
) -> MailTemplate:
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    mine = MailTemplate.objects.filter(template=sort, language=language)
    latest = mine.aggregate(latest=Max("version"))["latest"] or 0
    row = MailTemplate.objects.create(
        organization=organization,
        template=sort,
        language=language,
        version=latest + 1,
        subject=wording.subject,
        body=wording.body,
        by=by.label,
        because=because,
        created_at=clock.now(),
    )
    audit.record(
        "mail_template.changed",
        by=by,
        subject=row,
        because=because,
        organization_id=organization.pk,
        details={"template": sort, "language": language, "version": row.version, "own": bool(wording.body)},
    )
    return row
