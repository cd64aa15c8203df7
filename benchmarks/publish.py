"""What does telling an event cost the one who settles: microseconds an entry, new, changed and said before?"""

import time
from typing import Any

from benchmarks import rig

BATCH = 500
RUNS = 6


def main() -> None:
    with rig.installation():
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        from profiles import tenancy
        from profiles.actions import organizations, streams
        from profiles.actors import Actor
        from profiles.models import Profile, WebhookEndpoint

        by = Actor.system("benchmark")
        organization = organizations.create(
            "bench", name="Bench", currency="EUR", region="DE", timezone="Europe/Berlin", by=by
        )
        with tenancy.organization(organization.pk):
            people = [Profile.objects.create(organization=organization).pk for _ in range(50)]
        moment = organization.created_at
        told = [0]

        def entries(first: int, status: str) -> list[streams.Entry]:
            return [
                streams.Entry(
                    streams.NORMALIZED,
                    "order.updated",
                    f"order:shopify:bench.example/{number}",
                    people[number % len(people)],
                    moment,
                    _payload(number, status),
                )
                for number in range(first, first + BATCH)
            ]

        def tell(batches: list[list[streams.Entry]]) -> float:
            began = time.perf_counter()
            for batch in batches:
                with tenancy.organization(organization.pk):
                    streams.publish(batch, organization_id=organization.pk)
            return (time.perf_counter() - began) / (len(batches) * BATCH) * 1e6

        def new() -> float:
            told[0] += RUNS * BATCH
            return tell([entries(told[0] - (n + 1) * BATCH, "paid") for n in range(RUNS)])

        def same() -> float:
            return tell([entries(told[0] - (n + 1) * BATCH, "paid") for n in range(RUNS)])

        def changed() -> float:
            return tell([entries(told[0] - (n + 1) * BATCH, "refunded") for n in range(RUNS)])

        contenders: dict[str, Any] = {"new": new, "said_before": same, "changed": changed}
        found = {name: [] for name in contenders}  # type: dict[str, list[float]]
        for number in range(rig.ROUNDS + 1):
            for name, run in contenders.items():
                value = run()
                if number:
                    found[name].append(value)
        with tenancy.organization(organization.pk):
            for number in range(2):
                WebhookEndpoint.objects.create(
                    organization=organization,
                    name=str(number),
                    url=f"https://{number}.example/",
                    topics=[streams.NORMALIZED],
                    secret="whsec_AA==",
                )
        found["new_with_two_endpoints"] = [new() for _ in range(rig.ROUNDS)]
        with tenancy.organization(organization.pk), CaptureQueriesContext(connection) as captured:
            streams.publish(entries(0, "disputed"), organization_id=organization.pk)
        rig.emit(
            question=f"microseconds an entry told, batches of {BATCH}, one process",
            microseconds={name: rig.spread(values) for name, values in found.items()},
            statements=len(captured),
        )


def _payload(number: int, status: str) -> dict[str, Any]:
    return {
        "id": number,
        "channel": "shopify:bench.example",
        "external_id": str(number),
        "number": f"#B{number}",
        "status": "pending",
        "payment_status": status,
        "currency": "EUR",
        "total": "49.60",
        "captured": "49.60",
        "refunded": "0.00",
        "disputed": "0.00",
        "placed_at": "2026-11-13T09:20:04Z",
        "test": False,
        "profile": number % 50,
        "identifiers": [f"email:buyer{number}@example.org"],
        "lines": [
            {"sku": "EBOOK-TIDE-EN", "title": "Tide Atlas", "quantity": 1, "total": "24.80"},
            {"sku": "EBOOK-HARB-EN", "title": "Harbour Sketches", "quantity": 1, "total": "24.80"},
        ],
    }


if __name__ == "__main__":
    main()
