"""The addresses at which mail services report what became of messages: verified, kept, answered."""

import logging

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from fulfillment.actions import tracking as reported
from fulfillment.providers import tracking

log = logging.getLogger(__name__)

LARGEST_BODY = 5_242_880


@csrf_exempt
def receive(request: HttpRequest, esp: str) -> HttpResponse:
    """200 kept or kept before, ours or not; 400 no report; 401 and 403 not authentic; 404 where nothing verifies it.

    Never open: without a password or key of its own a service's address does not exist. 503 is ours to mend.
    """
    if esp not in tracking.SERVICES:
        return HttpResponse(status=404)
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if "Transfer-Encoding" in request.headers:
        return HttpResponse(status=411)  # Django would read a chunked body as an empty one
    if not declared.isdigit() or len(declared) > 12 or int(declared) > LARGEST_BODY:
        return HttpResponse(status=413)
    if tracking.asks_password(esp) and "Authorization" not in request.headers:
        # Amazon sends the password only after having been asked for it.
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="reports"'})
    try:
        new = reported.take_in(tracking.read(esp, request))
    except tracking.NotConfigured:
        return HttpResponse(status=404)
    except tracking.Forged:
        return HttpResponse(status=403)
    except tracking.Unreadable:
        log.warning("mail_report.unreadable", extra={"esp": esp}, exc_info=True)
        return HttpResponse(status=400)
    except (tracking.Away, Error):
        log.warning("mail_report.not_kept", extra={"esp": esp}, exc_info=True)
        return HttpResponse(status=503, headers={"Retry-After": "60"})
    log.info("mail_report.kept", extra={"esp": esp, "new": new})
    return HttpResponse(status=200)
