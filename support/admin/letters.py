"""A message as it was sent, its links masked; of mail that was only kept the real links, for whom they may concern."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from fulfillment.actions import emails, mail_templates
from fulfillment.models import Email
from profiles.actions import audit
from profiles.actors import NotPermitted

# Who reads these is signed in as the customer: staff may begin such things, and never finish them (SPEC SUP-14).
THE_CUSTOMERS_OWN = (Email.Template.CLAIM, Email.Template.EMAIL_CHANGE)


def as_sent(request: HttpRequest, *, site: Any, email_id: int) -> HttpResponse:
    """The letter in a frame that runs nothing and loads nothing."""
    actor = request.actor  # type: ignore[attr-defined]
    if not actor.may("view_pii"):
        raise NotPermitted("Letters hold customers' data, which your role does not see.")
    email = Email.objects.select_related("order", "profile").filter(pk=email_id).first()
    if email is None:
        raise Http404("There is no such message.")
    own = settings.PRODUCTION and email.template in THE_CUSTOMERS_OWN
    real = bool(email.secrets) and email.state == Email.State.KEPT and not own
    text, html = emails.revealed(email) if real else (email.text, email.html)
    if real:
        audit.record("email.revealed", by=actor, subject=email, profile_id=email.profile_id, order_id=email.order_id)
    context = {
        **site.each_context(request),
        "title": email.subject,
        "email": email,
        "letter_text": text,
        "letter_html": html,
        "real": real,
        "templates_url": reverse("admin:mail_templates") if actor.may(mail_templates.PERMISSION) else "",
    }
    return TemplateResponse(request, "admin/letter.html", context)
