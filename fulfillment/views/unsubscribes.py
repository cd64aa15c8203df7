"""The unsubscribe page: looking changes nothing, one press silences, and another takes it back (RFC 8058)."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from fulfillment.actions import unsubscribes
from fulfillment.models import Email
from fulfillment.views import pages
from profiles import tenancy
from profiles.actors import Actor

PRESSES_AN_HOUR = 30


@csrf_exempt  # mail services press it without a cookie; the address itself is the secret that a forger would lack
def page(request: HttpRequest, secret: str) -> HttpResponseBase:
    """GET and HEAD show what a press would do; POST does it at once, whoever's machine sends it."""
    if request.method not in ("GET", "HEAD", "POST"):
        return pages.wrong_method("GET", "HEAD", "POST")
    route = unsubscribes.route(secret)
    if route is None or route.email_id is None:
        return pages.unknown(request)
    press = request.method == "POST" and not pages.is_forged(request)
    if press and pages.is_too_often("unsubscribe", secret, at_most=PRESSES_AN_HOUR):
        return pages.limited(request)
    with tenancy.organization(route.organization_id):
        mail = Email.objects.select_related("organization").filter(pk=route.email_id).first()
        if mail is None:
            return pages.unknown(request)
        back = press and request.POST.get("what") == "back"
        if back:
            unsubscribes.take_back(mail, by=Actor.customer())
        elif press:
            unsubscribes.confirm(mail, by=Actor.customer())
        context = {
            **pages.of_seller(mail.organization),
            "masked_email": pages.masked(mail.to),
            "silenced": unsubscribes.is_silenced(mail),
            "back": back,
        }
    return pages.private(render(request, "download/unsubscribe.html", context))
