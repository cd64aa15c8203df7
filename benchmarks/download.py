"""How many downloads are confirmed a second? Our counted redirect against a plain view with one UPDATE."""

import time
from datetime import timedelta
from typing import Any

from benchmarks import rig

RUNS = 150
A_LINK = 100  # below what one link may be used within the hour


def main() -> None:
    with rig.installation():
        import io

        from django.db import connection
        from django.http import HttpResponse, HttpResponseRedirect
        from django.test import RequestFactory
        from django.test.utils import CaptureQueriesContext
        from django.urls import resolve

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
            paths = [fresh() for _ in range(RUNS // A_LINK + 1)]
            began = time.perf_counter()
            for number in range(RUNS):
                assert press(paths[number // A_LINK]).status_code == 303
            return RUNS / (time.perf_counter() - began)

        def floor() -> float:
            with tenancy.organization(organization.pk):
                pk = DownloadLink.objects.values_list("pk", flat=True)[0]
            began = time.perf_counter()
            for _ in range(RUNS):
                assert plain(factory.post("/"), pk).status_code == 303
            return RUNS / (time.perf_counter() - began)

        fresh()
        found = rig.rounds({"counted_redirect": counted, "plain_update": floor})
        path = fresh()
        with CaptureQueriesContext(connection) as captured:
            press(path)
        rig.emit(
            question="confirmed downloads a second, one process, no web server",
            per_second={name: rig.spread(values) for name, values in found.items()},
            ratio=rig.ratio(found["counted_redirect"], found["plain_update"]),
            statements=len(captured),
        )


if __name__ == "__main__":
    main()
