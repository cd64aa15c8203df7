"""An organization's own words for its mails: kept by version, shown before they count, tried on oneself."""

from django.db.models import Max

from fulfillment import phrases, wordings
from fulfillment.actions import emails, phrasing
from fulfillment.actions.letters import Letter
from fulfillment.actions.phrasing import Saying
from fulfillment.models import Email, MailTemplate
from fulfillment.wordings import Wording
from orders.models import Line, Order
from profiles import clock, identifiers
from profiles.actions import audit
from profiles.actors import Actor, Invalid
from profiles.models import Organization

# Whose words may be changed. The footer stays the house's, so that whoever did not ask for a link or a code always
# reads that there is nothing to do.
SORTS = (*wordings.OF_ORDER, *wordings.AFTER_PURCHASE, *wordings.OF_LIBRARY)
UNASKED = (*wordings.AFTER_PURCHASE, "claim_reminder")
SAMPLE_CODE = "123456"
NOWHERE = "https://example.org/preview"
TITLES_AT_MOST, LINES_AT_MOST = 3, 20
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
    order, lines = _newest() or _example(organization)
    titles = list(dict.fromkeys(phrasing.title(line) for line in lines))[:TITLES_AT_MOST]
    values = {
        "product": titles[0],
        "products": phrasing.titled(titles, at_most=TITLES_AT_MOST),
        "offered": "Harbour Sketches",
        "link": NOWHERE,
        "library": NOWHERE,
        "minutes": "10",
        "hours": "24",
        "begun": phrasing.said(language, "begun_by_staff"),
        "refunded": phrasing.amount(order.total_minor, order.currency, language),
    }
    saying = Saying(
        sort,
        organization,
        language,
        order=order,
        values=values,
        lines=lines,
        samples=titles if sort in wordings.OF_ORDER else titles[:1],
        unsubscribe_url="https://example.org/u" if sort in UNASKED else "",
        code=SAMPLE_CODE,
    )
    return phrasing.write(saying, wording)


def _newest() -> tuple[Order, list[Line]] | None:
    """The newest order that has something in it to be named."""
    order = Order.objects.select_related("channel").order_by("-placed_at", "-pk").first()
    rows = Line.objects.filter(order=order, removed=False).select_related("product").order_by("position")
    lines = list(rows[:LINES_AT_MOST]) if order is not None else []
    return (order, lines) if order is not None and lines else None


def _example(organization: Organization) -> tuple[Order, list[Line]]:
    price = 1900
    order = Order(
        number="1001",
        placed_at=clock.now(),
        currency=organization.currency,
        total_minor=price,
        customer_name="Ada Byron",
    )
    return order, [Line(title="The Tide Atlas", quantity=1, total_minor=price)]


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
