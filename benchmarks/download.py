"""How many downloads are confirmed a second? Our counted redirect against a plain view with one UPDATE.

Once view against view, and once request against request: ours as the web server calls it, the plain view behind a bare
Django without any middleware. No web server and no sockets in either.
"""

import time
from datetime import timedelta
from typing import Any

from benchmarks import rig

RUNS = 200
A_LINK = 20  # below what one link may be used within the hour


def main() -> None:
    with rig.installation():
        import io

        from django.conf import settings
        from django.core.handlers.wsgi import WSGIHandler
        from django.db import connection
        from django.http import HttpResponse, HttpResponseRedirect
        from django.test import RequestFactory, override_settings
        from django.test.utils import CaptureQueriesContext
        from django.urls import path as route
        from django.urls import resolve

        from config import databases
        from config.wsgi import application
        from fulfillment.actions import assets, entitlements, links
        from fulfillment.models import DownloadLink
        from orders.actions import products
        from profiles import tenancy
        from profiles.actions import organizations
        from profiles.actors import Actor
        from profiles.models import Profile

        by = Actor.system("benchmark")
        organization = organizations.create(
            "bench", name="Bench", currency="EUR", region="DE", timezone="Europe/Berlin", by=by
        )
        with tenancy.organization(organization.pk):
            product = products.add(
                organization=organization, sku="B", title="B", kind="ebook", price=None, currency="EUR", by=by
            )
            assets.add(product, io.BytesIO(b"a book"), filename="b.pdf", by=by)
            person = Profile.objects.create(organization=organization)
            right = entitlements.grant(person, product, by=by, because="benchmark", key="one")
        factory = RequestFactory()

        def fresh() -> str:
            with tenancy.organization(organization.pk):
                given = links.make_temporary(right, by=by, because="benchmark", lifetime=timedelta(hours=1))
            return "/" + given.url.split("/", 3)[3]

        def press(path: str) -> Any:
            view = resolve(path)
            return view.func(factory.post(path), *view.args, **view.kwargs)

        def plain(request: Any, pk: int) -> HttpResponse:
            with tenancy.organization(organization.pk), connection.cursor() as cursor:
                cursor.execute("UPDATE fulfillment_downloadlink SET uses = uses + 1 WHERE id = %s", [pk])
            return HttpResponseRedirect("/elsewhere", status=303)

        def counted() -> float:
            return timed(press, paths())

        def floor() -> float:
            return timed(lambda _: plain(factory.post("/"), pk), [""] * RUNS)

        def asked(answering: Any) -> Any:
            def ask(path: str) -> Any:
                told: list[str] = []
                answering(factory.post(path, HTTP_HOST="127.0.0.1").environ, lambda status, _: told.append(status))
                return HttpResponse(status=int(told[0][:3]))

            return ask

        def paths() -> list[str]:
            made = [fresh() for _ in range(RUNS // A_LINK)]
            return [made[number // A_LINK] for number in range(RUNS)]

        def bare_floor() -> float:
            with override_settings(ROOT_URLCONF=Routes):
                return timed(asked(handler), [f"/{pk}"] * RUNS)

        class Routes:
            urlpatterns = [route("<int:pk>", plain)]

        with override_settings(MIDDLEWARE=[]):
            handler = WSGIHandler()
        settings.ALLOWED_HOSTS = ["127.0.0.1"]
        for path in paths():
            press(path)
        with tenancy.organization(organization.pk):
            pk = DownloadLink.objects.values_list("pk", flat=True)[0]
        # As after the first minutes of any installation: the database knows how large its tables are.
        with databases.as_owner(), connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        contenders = {
            "counted_redirect": counted,
            "plain_update": floor,
            "counted_request": lambda: timed(asked(application), paths()),
            "plain_request": bare_floor,
        }
        found = rig.rounds(contenders)
        path = fresh()
        with CaptureQueriesContext(connection) as captured:
            press(path)
        rig.emit(
            question="confirmed downloads a second, one process, no web server",
            per_second={name: rig.spread(values) for name, values in found.items()},
            ratio=rig.ratio(found["counted_redirect"], found["plain_update"]),
            ratio_of_requests=rig.ratio(found["counted_request"], found["plain_request"]),
            goal="ratio >= 1.0",
            statements=len(captured),
        )


def timed(call: Any, paths: list[str]) -> float:
    """Calls a second, one after the other."""
    began = time.perf_counter()
    for path in paths:
        assert call(path).status_code == 303
    return len(paths) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
