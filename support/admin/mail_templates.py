"""The organization's own words for its mails to customers: the list of mails, and one with its preview."""

from collections.abc import Collection, Mapping
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from fulfillment import phrases, wordings
from fulfillment.actions import mail_templates, own_words, phrasing
from fulfillment.models import MailTemplate
from fulfillment.queries import mail_templates as kept
from fulfillment.wordings import Wording
from profiles.actors import Invalid, NotPermitted
from support.admin.base import when

VERSIONS_SHOWN = 20


class Words(forms.Form):
    """The words as they are typed; what is pressed says whether they are only looked at."""

    subject = forms.CharField(label="Subject", max_length=wordings.LONGEST_SUBJECT)
    body = forms.CharField(
        label="Text", max_length=wordings.LONGEST_BODY, widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "true"})
    )
    because = forms.CharField(label="Reason", max_length=500, required=False)


def index(request: HttpRequest, *, site: Any) -> HttpResponse:
    """Every mail whose words may be changed, by language."""
    _require(request)
    own = kept.versions_that_count(mail_templates.SORTS)
    faults = {key: fault for key, row in own.items() if (fault := _fault(row))}
    parts = [
        (title, [_row(sort, own, faults) for sort in sorts])
        for title, sorts in (
            ("About an order", wordings.OF_ORDER),
            ("After a purchase", wordings.AFTER_PURCHASE),
            ("The library and its addresses", wordings.OF_LIBRARY),
        )
    ]
    context = {**site.each_context(request), "title": "Mail templates", "parts": parts, "faults": len(faults)}
    return TemplateResponse(request, "admin/mail_templates.html", context)


def _row(sort: str, own: Collection[tuple[str, str]], faults: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """One mail with its languages: which have words of their own, and which of these cannot be used."""
    return {
        "name": wordings.NAMES[sort],
        "languages": [
            {
                "name": words,
                "own": (sort, language) in own,
                "fault": faults.get((sort, language), ""),
                "url": reverse("admin:mail_template", kwargs={"sort": sort, "language": language}),
            }
            for language, words in phrases.LANGUAGES.items()
        ],
    }


def page(request: HttpRequest, *, site: Any, sort: str, language: str) -> HttpResponse:
    """One mail in one language: its words, its preview, its versions. POST looks, keeps, tries out or goes back."""
    actor = _require(request)
    if sort not in mail_templates.SORTS or language not in phrases.LANGUAGES:
        raise Http404("There is no such mail.")
    organization = request.organization  # type: ignore[attr-defined]
    slots, counts = wordings.SLOTS[sort], kept.versions_that_count([sort]).get((sort, language))
    now = Wording(counts.subject, counts.body) if counts else phrasing.built_in(sort, language)
    unusable = _fault(counts) if counts else ""
    form = (
        Words(request.POST) if request.method == "POST" else Words(initial={"subject": now.subject, "body": now.body})
    )
    # What is sent now: words that cannot be used stand in the form, to be put right, and not in the preview.
    shown, said, fault = phrasing.built_in(sort, language) if unusable else now, "", ""
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        typed = Wording(data["subject"], data["body"])
        try:
            shown = mail_templates.check(sort, language, typed)
            said = _pressed(request, actor, organization, sort, language, shown, data["because"])
        except Invalid as invalid:
            fault = str(invalid)
    if said == RESET:
        shown = phrasing.built_in(sort, language)
        form = Words(initial={"subject": shown.subject, "body": shown.body})
    if said:
        counts = kept.versions_that_count([sort]).get((sort, language))
        unusable = _fault(counts) if counts else ""
    letter = mail_templates.preview(organization, sort, language, shown)
    versions = MailTemplate.objects.filter(template=sort, language=language).order_by("-version")[:VERSIONS_SHOWN]
    context = {
        **site.each_context(request),
        "title": f"{wordings.NAMES[sort]}, {phrases.LANGUAGES[language]}",
        "form": form,
        "fault": fault,
        "said": said,
        "names": [(name, wordings.MEANINGS[name]) for name in slots.names],
        "needed": sorted(slots.needed),
        "links": sorted(slots.links),
        "blocks": sorted(slots.blocks),
        "own": counts is not None,
        "unusable": unusable,
        "unusable_since": when(counts.unusable_at) if counts and counts.unusable_at else "",
        "letter": letter,
        "me": request.user.email,  # type: ignore[union-attr]
        "versions": [{"row": row, "at": when(row.created_at)} for row in versions],
        "index_url": reverse("admin:mail_templates"),
    }
    return TemplateResponse(request, "admin/mail_template.html", context, status=400 if fault else 200)


def _fault(row: MailTemplate) -> str:
    """Why these words cannot be used any more; '' where they can."""
    return own_words.judged(row.template, Wording(row.subject, row.body))[1]


RESET = "The built-in words count again."


def _pressed(
    request: HttpRequest, actor: Any, organization: Any, sort: str, language: str, wording: Wording, because: str
) -> str:
    """Do what was pressed with words that can be used; says what was done. Looking does nothing."""
    pressed = request.POST.get("press", "look")
    if pressed == "keep":
        row = mail_templates.change(
            organization, sort, language, subject=wording.subject, body=wording.body, by=actor, because=because
        )
        return f"Version {row.version} counts from now on."
    if pressed == "reset":
        mail_templates.reset(organization, sort, language, by=actor, because=because)
        return RESET
    if pressed == "test":
        to = request.user.email  # type: ignore[union-attr]
        mail_templates.try_out(
            organization, sort, language, wording, to=to, by=actor, because=because or "A test mail", key=actor.act.hex
        )
        return f"A test mail is on its way to {to}."
    return ""


def _require(request: HttpRequest) -> Any:
    actor = request.actor  # type: ignore[attr-defined]
    if not actor.may(mail_templates.PERMISSION):
        raise NotPermitted("Your role may not change the words of mails.")
    return actor
