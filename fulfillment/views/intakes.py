"""The intake form of a bought service: what the seller has to know before the work begins."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from fulfillment import intakes
from fulfillment.actions import services, unsubscribes
from fulfillment.actions.services import NotNow
from fulfillment.models import Service
from fulfillment.views import pages
from profiles import tenancy
from profiles.actors import Actor

PRESSES_AN_HOUR = 60


@csrf_exempt  # the address itself is the secret that a forged request would lack; forged ones are refused besides
def page(request: HttpRequest, secret: str) -> HttpResponseBase:
    """GET and HEAD show the form and its answers; POST keeps them, until the work starts."""
    if request.method not in ("GET", "HEAD", "POST"):
        return pages.wrong_method("GET", "HEAD", "POST")
    route = unsubscribes.route(secret)
    if route is None or route.service_id is None:
        return pages.unknown(request)
    press = request.method == "POST" and not pages.is_forged(request)
    if press and pages.is_too_often("intake", secret, at_most=PRESSES_AN_HOUR):
        return pages.limited(request)
    with tenancy.organization(route.organization_id):
        service = Service.objects.select_related("organization", "product").filter(pk=route.service_id).first()
        if service is None:
            return pages.unknown(request)
        questions = services.questions_of(service.product_id)
        given, status, fault, at = _kept(service, questions), 200, "", -1
        saved = False
        if press:
            given = [request.POST.get(f"answer_{number}", "") for number in range(len(questions))]
            try:
                service, saved = services.answer(service, given, by=Actor.customer()), True
            except intakes.Unusable as error:
                status, fault, at = 400, str(error), error.number
            except NotNow as error:
                status, fault = 409, str(error)
        context = {
            **pages.of_seller(service.organization),
            "product_title": service.product.title,
            "fields": [
                {"number": n, "question": one, "answer": answer, "fault": fault if n == at else ""}
                for n, (one, answer) in enumerate(zip(questions, given, strict=True))
            ],
            "state": service.state,
            "given": service.source == Service.Source.MANUAL,
            "open": service.state in (Service.State.INTAKE, Service.State.READY),
            "answers": service.answers,
            "saved": saved,
            "fault": fault if at < 0 else "",
        }
    return pages.private(render(request, "download/intake.html", context, status=status))


def _kept(service: Service, questions: tuple[intakes.Question, ...]) -> list[str]:
    """The answers given before, to the questions as they are asked now."""
    known = {one.get("label"): one.get("answer", "") for one in service.answers}
    return [known.get(question.label, "") for question in questions]
