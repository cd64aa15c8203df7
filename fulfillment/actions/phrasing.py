"""Turns the words of a mail, an organization's own or the built-in, into its subject, text and HTML."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format, get_format

from fulfillment import phrases, wordings
from fulfillment.actions.invitations import Issued
from fulfillment.actions.letters import Letter
from fulfillment.actions.links import Given
from fulfillment.models import Entitlement
from fulfillment.wordings import Block, Wording
from orders import money
from orders.models import Line, Order, Refund
from profiles.models import Organization, Profile

# As the customer's pages write a day, and not with an abbreviated month as Django does in English.
DAYS: Final[Mapping[str, str]] = {"en": "j F Y"}


@dataclass(frozen=True, slots=True)
class Saying:
    """What one mail is to say: its sort, about which order, and what its placeholders stand for."""

    sort: str
    organization: Organization
    language: str
    order: Order | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    downloads: Sequence[tuple[Entitlement, Given]] = ()
    lines: Sequence[Line] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    unsubscribe_url: str = ""
    # What stands where the sort of mail has a code: its mask, or made-up digits in a preview.
    code: str = ""
    # Titles that stand where downloads would, in a preview.
    samples: Sequence[str] = ()


def write(saying: Saying, own: Wording | None = None) -> Letter:
    """The mail in these words, or in the built-in ones. Every value is data; nothing in it is run or read as markup."""
    wording = own or built_in(saying.sort, saying.language)
    values = _values(saying)
    made = wordings.blocks(saying.sort, wording, values)
    context = {
        **_frame(saying, values),
        "language": saying.language,
        "organization_name": saying.organization.name,
        "support_email": saying.organization.support_email,
        "subject": wordings.subject(wording, values),
        "preheader": _preheader(made),
        "blocks": made,
        "downloads": _downloads(saying),
        "order": _order(saying),
        "code": saying.code,
        "unsubscribe_url": saying.unsubscribe_url,
    }
    return Letter(
        subject=str(context["subject"]),
        text=_tidy(render_to_string("email/phrased.txt", {**context, "texts": [_text(block) for block in made]})),
        html=render_to_string("email/phrased.html", context),
        secrets={**{given.masked: given.secret for _, given in saying.downloads}, **saying.secrets},
    )


def of_order(
    template: str,
    organization: Organization,
    order: Order | None,
    *,
    lines: Sequence[Line] = (),
    given: Sequence[tuple[Entitlement, Given]] = (),
    refund: Refund | None = None,
    customer_name: str = "",
    invited: Issued | None = None,
) -> Saying:
    """What a mail about an order, or about something given without one, is to say in its buyer's language."""
    language = language_of(order, organization)
    name = customer_name or (order.customer_name if order else "")
    values = {"customer_name": name[:60], "library": invited.masked_url if invited else ""}
    if refund is not None:
        values["refunded"] = amount(refund.amount_minor, refund.currency, language)
    secrets = {invited.masked: invited.secret} if invited else {}
    return Saying(template, organization, language, order, values, given, lines, secrets)


def language_of(order: Order | None, organization: Organization) -> str:
    """The buyer's own language where we write in it, else the organization's, else English."""
    return _language(order.locale if order else "", organization)


def language_of_customer(profile: Profile, organization: Organization) -> str:
    """The same for a mail about no order, by the newest order of the customer that tells a locale; one query."""
    told = Order.objects.filter(profile=profile).exclude(locale="").order_by("-placed_at", "-pk")
    return _language(told.values_list("locale", flat=True).first() or "", organization)


def said(language: str, phrase: str) -> str:
    """One of the phrases around the words of a mail, in English where the language is not one of ours."""
    return _said(language)[phrase]


def titled(titles: Iterable[str], *, at_most: int = 1) -> str:
    """What somebody bought, in a line: the first of the titles, and how many more there are."""
    different = list(dict.fromkeys(titles))
    rest = len(different) - at_most
    return ", ".join(different[:at_most]) + (f" (+{rest})" if rest > 0 else "")


def title(line: Line) -> str:
    """What the customer knows it by: the shop's title, or the product's where the shop only told a SKU."""
    told = "" if line.title == line.sku else line.title
    return told or (line.product.title if line.product else "") or line.sku


def built_in(sort: str, language: str) -> Wording:
    """The built-in words of a mail, in English where the language is not one of ours."""
    return phrases.MAILS.get(language, phrases.MAILS[phrases.DEFAULT])[sort]


def amount(minor: int, currency: str, language: str) -> str:
    """An amount as it is written in this language, with its currency."""
    point = str(get_format("DECIMAL_SEPARATOR", language))
    return f"{money.to_text(minor, currency).replace('.', point)} {currency}"


def day(at: datetime, language: str, *, time: bool = False) -> str:
    """A day as it is written in this language, in UTC; with the time of day where it matters."""
    with translation.override(language):
        shown = str(date_format(at, DAYS.get(language, "DATE_FORMAT")))
    return f"{shown}, {at:%H:%M} UTC" if time else shown


def _language(locale: str, organization: Organization) -> str:
    kept = organization.policies.get(phrases.POLICY)
    return phrases.language(locale, str(kept.get("language", "")) if isinstance(kept, dict) else "")


def _said(language: str) -> Mapping[str, str]:
    return phrases.FRAME.get(language, phrases.FRAME[phrases.DEFAULT])


def _values(saying: Saying) -> dict[str, str]:
    order = saying.order
    known = {
        "organization_name": saying.organization.name,
        "support_email": saying.organization.support_email,
        "customer_name": (order.customer_name if order else "")[:60],
        "order_number": str(order) if order else "",
    }
    if order is not None:
        known["total"] = amount(order.total_minor, order.currency, saying.language)
    return {**known, **saying.values}


def _frame(saying: Saying, values: Mapping[str, str]) -> dict[str, Any]:
    frame = _said(saying.language)
    asks = frame["question" if saying.organization.support_email else "question_reply"]
    of_purchase = frame["because" if values.get("order_number") else "because_given"]
    return {
        "question": wordings.fill(asks, values),
        "question_parts": asks.split("{{ support_email }}"),
        "because": wordings.fill(frame.get(f"because_{saying.sort}", of_purchase), values),
        "unsubscribe_label": frame["unsubscribe"],
        "copy_label": frame["copy"],
        "open_label": frame["open_download"],
        "total_label": frame["total"],
        "preparing": frame["preparing"],
    }


def _downloads(saying: Saying) -> list[dict[str, str]]:
    until = said(saying.language, "until")
    return [
        {
            "title": entitlement.product.title,
            "url": given.masked_url,
            "until": wordings.fill(until, {"until": day(given.link.expires_at, saying.language, time=True)}),
        }
        for entitlement, given in saying.downloads
    ] + [{"title": title, "url": "https://example.org/preview", "until": ""} for title in saying.samples]


def _order(saying: Saying) -> dict[str, Any]:
    order, language = saying.order, saying.language
    if order is None:
        return {}
    return {
        "title": wordings.fill(
            said(language, "order"), {"order_number": str(order), "date": day(order.placed_at, language)}
        ),
        "reference": _reference(order, language),
        "total": amount(order.total_minor, order.currency, language),
        "lines": [
            {
                "title": title(line),
                "quantity": line.quantity,
                "total": amount(line.total_minor, order.currency, language),
            }
            for line in saying.lines
        ],
    }


def _reference(order: Order, language: str) -> str:
    """How the shop itself calls the order, where its number is another."""
    if order.external_id in ("", str(order)):
        return ""
    return wordings.fill(said(language, "reference"), {"reference": order.external_id})


def _preheader(made: Sequence[Block]) -> str:
    """What an inbox shows beside the subject: the second paragraph, for the first is mostly a greeting."""
    texts = [" ".join(wordings.plain(parts) for parts in block.items) for block in made if block.sort == "text"]
    return next(iter(texts[1:] or texts), "")


def _text(block: Block) -> dict[str, str]:
    """A block as the text part has it; downloads and the order are written by the template."""
    if block.sort in ("button", "aside"):
        return {"sort": "text", "text": f"{block.label}:\n{block.url}"}
    mark = "- " if block.sort == "list" else ""
    return {"sort": block.sort, "text": "\n".join(mark + wordings.plain(parts) for parts in block.items)}


def _tidy(text: str) -> str:
    """No more than one empty line in a row, none at the ends."""
    lines = [line.rstrip() for line in text.strip().split("\n")]
    kept = [line for number, line in enumerate(lines) if line or (number and lines[number - 1])]
    return "\n".join(kept) + "\n"
