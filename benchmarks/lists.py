"""How long do the desk's lists, searches and pages take over 1,000,000 orders and customers, beside a plain admin?

In process and logged in; Django's own admin, with its defaults and tuned, answers in turn with ours over as many orders
in the same database server (`benchmarks.peer`). Its page has 100 rows of seven columns and ours 50; ours is timed with
100 too.
"""

import hashlib
import os
import random
import time
from collections.abc import Callable
from typing import Any

from benchmarks import lists_rows, rig
from benchmarks.peer.asking import Peer

ROWS = int(os.environ.get("ROWS", "1000000"))
ROUNDS = int(os.environ.get("ROUNDS", "7"))
DEEP = min(1000, ROWS // 200)
# A round's address with these in it is another one each time, so that nothing is found because it was just read.
FRAGMENT, PREFIX, WHOLE = "-fragment-", "-prefix-", "-whole-"
ORDERS, PEOPLE = "/admin/orders/order/", "/admin/profiles/profile/"
KEYSET = "SELECT id, number, email, total_minor FROM orders_order ORDER BY placed_at DESC, id DESC LIMIT 50"

OURS = {
    "orders_page_1": ORDERS,
    f"orders_page_{DEEP}": f"{ORDERS}?p={DEEP}",
    "orders_last_page": f"{ORDERS}?p={ROWS // 50}",
    "orders_filtered": f"{ORDERS}?payment_status__exact=refunded",
    "orders_search_fragment": f"{ORDERS}?q={FRAGMENT}",
    "orders_search_prefix": f"{ORDERS}?q={PREFIX}",
    "orders_search_exact": f"{ORDERS}?q={WHOLE}",
    "customers_page_1": PEOPLE,
    f"customers_page_{DEEP}": f"{PEOPLE}?p={DEEP}",
    "customers_last_page": f"{PEOPLE}?p={ROWS // 50}",
    "customers_search_exact": f"{PEOPLE}?q={WHOLE}",
    "search_fragment": f"/admin/search/?q={FRAGMENT}",
    "search_exact": f"/admin/search/?q={WHOLE}",
    "order_page": f"{ORDERS}{ROWS // 2}/change/",
    "customer_page": f"{PEOPLE}{ROWS // 2}/change/",
    "dashboard": "/admin/",
}
PEERS = {
    "plain_page_1": "/plain/peer/order/",
    f"plain_page_{DEEP}": f"/plain/peer/order/?p={DEEP}",
    "plain_search_fragment": f"/plain/peer/order/?q={FRAGMENT}",
    "tuned_page_1": "/tuned/peer/order/",
    f"tuned_page_{DEEP}": f"/tuned/peer/order/?p={DEEP}",
    "tuned_last_page": f"/tuned/peer/order/?p={ROWS // 100}",
    "tuned_search_fragment": f"/tuned/peer/order/?q={FRAGMENT}",
    "tuned_search_prefix": f"/prefix/peer/order/?q={PREFIX}",
}


def main() -> None:
    with rig.installation() as made:
        import psycopg
        from django.contrib.auth.models import User
        from django.db import connection
        from django.test import Client

        from benchmarks.peer import timing
        from config import counting, embedded
        from orders import marks
        from orders.actions import channels, products
        from profiles import tenancy
        from profiles.actions import organizations
        from profiles.actors import Actor
        from profiles.models import Role
        from support.admin import REGISTERED
        from support.admin.orders import OrderAdmin

        by = Actor.system("benchmark")
        organization = organizations.create(
            "bench", name="Bench", currency="EUR", region="DE", timezone="Europe/Berlin", by=by
        )
        with tenancy.organization(organization.pk):
            channel = channels.connect(
                organization, kind="shopify", domain="bench.example", secret="s", calls_provider=False, by=by
            )
            product = products.add(
                organization=organization, sku="B", title="B", kind="ebook", price=None, currency="EUR", by=by
            )
            user = User.objects.create_user("bench", password="bench", is_staff=True)
            organizations.add_member(organization, user, Role.ENGINEER, by=by)
        began = time.perf_counter()
        superuser = made.cluster.url(embedded.SUPERUSER, embedded.DATABASE)
        with psycopg.connect(superuser, autocommit=True) as past_the_wall:
            lists_rows.write(past_the_wall, ROWS, organization=organization.pk, channel=channel.pk, product=product.pk)
        with tenancy.organization(organization.pk), connection.cursor() as cursor:
            cursor.execute(marks.all_days("orders_order", moment="placed_at"))
        while counting.days(organization.pk):  # as the workers do while nothing else waits
            pass
        seeded = time.perf_counter() - began
        client = Client(headers={"host": "127.0.0.1"})
        client.force_login(user)
        told: dict[str, list[dict[str, Any]]] = {}

        def asked(name: str, ask: Callable[[str], dict[str, Any]], url: str) -> Callable[[], float]:
            def run() -> float:
                answer = ask(filled(url))
                assert answer["status"] in (200, 302), (name, answer)
                told.setdefault(name, []).append(answer)
                return float(answer["ms"])

            return run

        def ours(url: str) -> dict[str, Any]:
            return timing.page(client, url)

        def of_a_hundred(url: str) -> dict[str, Any]:
            usual, OrderAdmin.list_per_page = OrderAdmin.list_per_page, 100
            try:
                return ours(url)
            finally:
                OrderAdmin.list_per_page = usual

        def floor(statement: str, parameters: Callable[[], list[Any]]) -> Callable[[], float]:
            def run() -> float:
                with tenancy.organization(organization.pk), connection.cursor() as cursor:
                    began = time.perf_counter()
                    cursor.execute(statement, parameters())
                    cursor.fetchall()
                    return (time.perf_counter() - began) * 1000

            return run

        lists = {
            f"list {model._meta.label}": f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
            for model, _ in REGISTERED
        }
        with Peer(made, ROWS) as peer:
            found = rig.rounds(
                {
                    **{name: asked(name, ours, url) for name, url in OURS.items()},
                    "orders_page_1_of_100": asked("orders_page_1_of_100", of_a_hundred, ORDERS),
                    **{name: asked(name, peer.ask, url) for name, url in PEERS.items()},
                    **{name: asked(name, ours, url) for name, url in lists.items()},
                    "floor_keyset_sql": floor(KEYSET, list),
                    "floor_fragment_sql": floor("SELECT orders_search(%s, 200)", lambda: [filled(FRAGMENT)]),
                },
                count=ROUNDS,
            )
        statements = {name: max(one["queries"] for one in answers) for name, answers in told.items()}
        rig.emit(
            question=f"the desk over {ROWS} orders and customers beside a plain admin, ms a page in process",
            seeded_s=round(seeded, 1),
            ms={name: rig.spread(values) for name, values in found.items()},
            cpu_ms={name: rig.spread([one["cpu_ms"] for one in answers[1:]]) for name, answers in told.items()},
            sql_ms={name: rig.spread([one["sql_ms"] for one in answers[1:]]) for name, answers in told.items()},
            queries=statements,
            **_judged(found, list(lists)),
            most_queries=max(count for name, count in statements.items() if name not in PEERS),
        )


def _judged(found: dict[str, list[float]], lists: list[str]) -> dict[str, Any]:
    """The ratios of the goals, round by round, and the goals."""

    def to(name: str, other: str) -> float:
        return rig.ratio(found[name], found[other])

    page, fragment = found["orders_page_1"], found["floor_fragment_sql"]
    pages = ("orders_page_1", "orders_page_1_of_100", "customers_page_1", "order_page", "customer_page")
    allowed = [2 * floor + one for floor, one in zip(fragment, page, strict=True)]
    return {
        "to_tuned_page_1": {name: to(name, "tuned_page_1") for name in (*pages, *lists)},
        "orders_to_plain_page_1": to("orders_page_1", "plain_page_1"),
        "deep_to_first": {
            "orders": to(f"orders_page_{DEEP}", "orders_page_1"),
            "orders_last": to("orders_last_page", "orders_page_1"),
            "customers": to(f"customers_page_{DEEP}", "customers_page_1"),
            "customers_last": to("customers_last_page", "customers_page_1"),
        },
        "fragment_to_allowed": rig.ratio(found["orders_search_fragment"], allowed),
        "to_plain_search": {
            name: to(name, "plain_search_fragment")
            for name in ("orders_search_exact", "orders_search_prefix", "customers_search_exact", "search_exact")
        },
        "goals": "to_tuned_page_1 <= 1.2; orders_to_plain_page_1 <= 0.25 (stretch); deep_to_first <= 1.1;"
        " fragment_to_allowed <= 1; to_plain_search <= 0.04; sql_ms <= 5 a page; most_queries <= 25",
    }


_chance = random.Random(5)


def filled(url: str) -> str:
    """The address with the e-mail of one of the buyers in it, whole or in part."""
    number = _chance.randint(1, ROWS)
    email = f"buyer{number}@{hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()[:8]}.example"
    at = email.index("@")
    return url.replace(FRAGMENT, email[at - 4 : at + 6]).replace(PREFIX, email[: at + 4]).replace(WHOLE, email)


if __name__ == "__main__":
    main()
