"""10,000 entitlements from the inbox to mails at a mail server: how fast beside the server's own limit, and the memory.

The floor is smtplib on one open connection to the same server with mails of the same size, sent by another process.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import rig

TEMPLATE = Path(__file__).parent.parent / "tests/payloads/shopify/orders-paid.json"
ORDERS = int(os.environ.get("ORDERS", "5000"))
FLOOR_MAILS = 2000


def main() -> None:
    from tests import servers

    with servers.MailServer() as sink, rig.installation() as made:
        import psutil

        _prepare(ORDERS)
        began = time.perf_counter()
        worker = subprocess.Popen(
            [sys.executable, str(servers.ROOT / "manage.py"), "work", "--until-idle"],
            env=made.environment(**sink.environment, LOG_LEVEL="ERROR"),
            stdout=subprocess.DEVNULL,
        )
        memory: list[int] = []
        watched = psutil.Process(worker.pid)
        while worker.poll() is None:
            time.sleep(0.5)
            try:
                memory.append(watched.memory_info().rss // 2**20)
            except psutil.Error:
                break
        took = time.perf_counter() - began
        sent = len(sink.messages)
        assert sent == ORDERS, f"{sent} mails of {ORDERS} orders"
        size = len(sink.messages[0].raw)
        entitlements, completed = _counts()
        assert completed == entitlements == 2 * ORDERS, (completed, entitlements)
        floor = _floor(sink, size)
        half = memory[len(memory) // 4 : len(memory) // 2] or memory
        rig.emit(
            question="entitlements fulfilled a second by one worker, links made and mails taken by a server",
            orders=ORDERS,
            entitlements=entitlements,
            seconds=round(took, 1),
            entitlements_a_second=round(entitlements / took, 1),
            mails_a_second=round(sent / took, 1),
            floor_mails_a_second=round(floor, 1),
            ratio_to_floor=round(sent / took / floor, 3),
            worker_mib={"second_quarter": max(half), "end": max(memory[-10:]), "most": max(memory)},
            goals="every mail once; memory at the end as in the second quarter",
        )


def _prepare(orders: int) -> None:
    import io

    from fulfillment.actions import assets
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
            product = products.add(
                organization=organization, sku=sku, title=sku, kind="ebook", price="1.00", currency="EUR", by=by
            )
            assets.add(product, io.BytesIO(sku.encode()), filename=f"{sku}.pdf", by=by)
    template: dict[str, Any] = json.loads(TEMPLATE.read_bytes())
    for number in range(1, orders + 1):
        body = json.dumps(_order(template, number)).encode()
        headers = {"x-shopify-topic": "orders/paid"}
        deliveries.store(
            organization.pk, channel.pk, delivery_id=str(number), topic="orders/paid", body=body, headers=headers
        )


def _order(template: dict[str, Any], number: int) -> dict[str, Any]:
    """One more order of the recorded shape, of a customer of its own."""
    email = f"buyer{number}@example.org"
    order = {**template, "id": 5_000_000 + number, "name": f"#{number}", "order_number": number, "email": email}
    order |= {"contact_email": email, "phone": None, "customer": {**template["customer"], "id": number, "email": email}}
    order["customer"]["phone"] = None
    return order


def _counts() -> tuple[int, int]:
    from fulfillment.models import Entitlement, Job
    from profiles import tenancy
    from profiles.actions import organizations

    with tenancy.organization(organizations.find("bench")):
        return Entitlement.objects.count(), Job.objects.filter(state=Job.State.COMPLETED).count()


def _floor(sink: Any, size: int) -> float:
    """Mails a second by smtplib alone; the server's own work is in it, as in ours."""
    arguments = [sink.host, str(sink.port), str(size), str(FLOOR_MAILS)]
    done = subprocess.run([sys.executable, "-c", _ALONE, *arguments], capture_output=True, text=True, check=True)
    return FLOOR_MAILS / float(done.stdout)


_ALONE = """
import smtplib, sys, time
host, port, size, count = sys.argv[1], *map(int, sys.argv[2:])
head = b"From: a@example.org\\r\\nTo: b@example.org\\r\\nSubject: floor\\r\\n\\r\\n"
text = head + (b"x" * 70 + b"\\r\\n") * ((size - len(head)) // 72)
with smtplib.SMTP(host, port) as connection:
    began = time.perf_counter()
    for _ in range(count):
        connection.sendmail("a@example.org", ["b@example.org"], text)
    print(time.perf_counter() - began)
"""

if __name__ == "__main__":
    main()
