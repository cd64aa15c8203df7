"""How many orders a second go from the inbox to settled, and how far does the cost of one fall with the batch?"""

import json
import time
from pathlib import Path
from typing import Any

from benchmarks import rig

TEMPLATE = Path(__file__).parent.parent / "tests/payloads/shopify/orders-paid.json"
BATCHES = {1: 60, 10: 300, 100: 1000, 500: 2000}
FLOOR_ROWS = 2000


def main() -> None:
    with rig.installation():
        from django.db import connection, models
        from django.test.utils import CaptureQueriesContext

        from config import databases, drains
        from orders.actions import channels, deliveries, products
        from profiles import tenancy
        from profiles.actions import organizations
        from profiles.actors import Actor

        by = Actor.system("benchmark")
        organization = organizations.create(
            "bench", name="Bench", currency="EUR", region="DE", timezone="Europe/Berlin", by=by
        )
        with tenancy.organization(organization.pk):
            channel = channels.connect(
                organization, kind="shopify", domain="bench.example", secret="s", calls_provider=False, by=by
            )
            for sku in ("EBOOK-TIDE-EN", "EBOOK-HARB-EN"):
                products.add(
                    organization=organization, sku=sku, title=sku, kind="ebook", price="1.00", currency="EUR", by=by
                )

        class FloorOrder(models.Model):
            external_id = models.CharField(max_length=255)
            email = models.CharField(max_length=320)
            total_minor = models.BigIntegerField()
            placed_at = models.DateTimeField()

            class Meta:
                app_label = "benchmarks"

            def __str__(self) -> str:
                return self.external_id

        class FloorLine(models.Model):
            order = models.ForeignKey(FloorOrder, on_delete=models.CASCADE)
            sku = models.CharField(max_length=200)
            total_minor = models.BigIntegerField()

            class Meta:
                app_label = "benchmarks"

            def __str__(self) -> str:
                return self.sku

        with databases.as_owner(), connection.schema_editor() as editor:
            editor.create_model(FloorOrder)
            editor.create_model(FloorLine)
        template, told = json.loads(TEMPLATE.read_bytes()), [0]
        queries: dict[int, int] = {}

        def deliver(count: int) -> None:
            for _ in range(count):
                told[0] += 1
                body = json.dumps(_order(template, told[0])).encode()
                deliveries.store(
                    organization.pk,
                    channel.pk,
                    delivery_id=str(told[0]),
                    topic="orders/paid",
                    body=body,
                    headers={"x-shopify-topic": "orders/paid"},
                )

        def ours(batch: int) -> float:
            count = BATCHES[batch]
            deliver(count)
            drains.BATCH = batch
            began = time.perf_counter()
            for queue in (drains.inbox, drains.settlements):
                while queue(organization.pk):
                    pass
            return count / (time.perf_counter() - began)

        def floor() -> float:
            from django.utils import timezone

            began, now = time.perf_counter(), timezone.now()
            for _ in range(FLOOR_ROWS // 1000):
                rows = [
                    FloorOrder(external_id=str(n), email=f"b{n}@example.org", total_minor=4960, placed_at=now)
                    for n in range(1000)
                ]
                FloorOrder._default_manager.bulk_create(rows)
                FloorLine._default_manager.bulk_create(
                    [FloorLine(order=row, sku=sku, total_minor=2480) for row in rows for sku in ("A", "B")]
                )
            return FLOOR_ROWS / (time.perf_counter() - began)

        contenders: dict[str, Any] = {f"batch_{batch}": lambda b=batch: ours(b) for batch in BATCHES}
        found = rig.rounds({**contenders, "bulk_create_two_tables": floor})
        for batch in BATCHES:
            deliver(batch)
            drains.BATCH = batch
            with CaptureQueriesContext(connection) as captured:
                drains.inbox(organization.pk)
                drains.settlements(organization.pk)
            queries[batch] = len(captured)
        rig.emit(
            question="orders a second from inbox to settled, one process",
            orders_per_second={name: rig.spread(values) for name, values in found.items()},
            cost_falls_from_1_to_100=rig.ratio(found["batch_100"], found["batch_1"]),
            ratio_to_floor=rig.ratio(found["batch_500"], found["bulk_create_two_tables"]),
            goals="falls >= 8; ratio_to_floor >= 0.10; queries the same for any batch",
            queries=queries,
        )


def _order(template: dict[str, Any], number: int) -> dict[str, Any]:
    email = f"buyer{number}@example.org"
    customer = {**template["customer"], "email": email, "phone": None}
    own = {"id": 10**9 + number, "name": f"#B{number}", "email": email, "contact_email": email, "phone": None}
    return {**template, **own, "customer": customer, "billing_address": None}


if __name__ == "__main__":
    main()
