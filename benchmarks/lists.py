"""How long do the desk's lists, search and pages take over 1,000,000 orders and customers, and how much of it is SQL?

In process and logged in, as the tuned plain admin of the yardstick is measured; beside the bare SQL of the same rows.
"""

import os
import random
import time
from collections.abc import Callable
from typing import Any

from benchmarks import rig

ROWS = int(os.environ.get("ROWS", "1000000"))
DEEP = 1000

SEED = [
    "DROP INDEX IF EXISTS order_fragment, identifier_fragment, profile_fragment",
    """INSERT INTO profiles_profile (organization_id, name, strength, created_at)
       SELECT {org}, 'Buyer ' || md5(n::text), 20, now() - n * interval '30 seconds'
         FROM generate_series(1, {rows}) n""",
    """INSERT INTO profiles_identifier (organization_id, kind, value, spelled, raw, profile_id, status, added_by_staff)
       SELECT {org}, 'email', 'buyer' || n || '@' || left(md5(n::text), 8) || '.example', 'email:buyer' || n || '@'
              || left(md5(n::text), 8) || '.example', '', p.id, 'active', false
         FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM profiles_profile) p""",
    """INSERT INTO orders_order (organization_id, identifiers, settled_identifiers, profile_id, provisional, channel_id,
         external_id, number, currency, total_minor, discount_minor, tax_minor, shipping_minor, presentment_currency,
         placed_at, paid_at, test, channel_status, channel_paid, channel_failed, cancelled, payment_reference,
         charge_reference, customer_name, email_raw, phone_raw, email, phone, region, verified_account,
         conversation_hint, flags, extra, authority, version, rank, digest, status, payment_status, captured_minor,
         refunded_minor, disputed_minor, needs_person, settled_at, delivery_email, linked_by_staff)
       SELECT {org}, '{{}}', '{{}}', i.profile_id, false, {channel}, 'o' || i.id, '#' || i.id, 'EUR', 4900, 0, 0, 0, '',
              now() - i.id * interval '30 seconds', now(), false, 'pending', true, false, false, 'pi_' || i.id, '',
              'Buyer ' || left(md5(i.id::text), 6), i.value, '', i.value, '', 'DE', false, '', '{{}}', '{{}}',
              '2-order',
              now(), 0, '', 'pending', (ARRAY['paid', 'paid', 'paid', 'refunded'])[1 + i.id % 4], 4900, 0, 0, '', now(),
              '', false
         FROM profiles_identifier i""",
    """CREATE INDEX order_fragment ON orders_order USING gin
       (profiles_trigrams(organization_id, email || ' ' || customer_name || ' ' || number))""",
    "CREATE INDEX identifier_fragment ON profiles_identifier USING gin (profiles_trigrams(organization_id, value))",
    "CREATE INDEX profile_fragment ON profiles_profile USING gin (profiles_trigrams(organization_id, name))",
    "ANALYZE",
]


def main() -> None:
    with rig.installation():
        from django.contrib.auth.models import User
        from django.db import connection
        from django.test import Client
        from django.test.utils import CaptureQueriesContext

        from config import databases
        from orders.actions import channels
        from orders.models import Order
        from profiles import tenancy
        from profiles.actions import organizations
        from profiles.actors import Actor
        from profiles.models import Role

        by = Actor.system("benchmark")
        organization = organizations.create(
            "bench", name="Bench", currency="EUR", region="DE", timezone="Europe/Berlin", by=by
        )
        with tenancy.organization(organization.pk):
            channel = channels.connect(
                organization, kind="shopify", domain="bench.example", secret="s", calls_provider=False, by=by
            )
            user = User.objects.create_user("bench", password="bench", is_staff=True)
            organizations.add_member(organization, user, Role.ENGINEER, by=by)
        began = time.perf_counter()
        with databases.as_owner():
            for statement in SEED:
                with tenancy.organization(organization.pk), connection.cursor() as cursor:
                    cursor.execute(statement.format(org=organization.pk, channel=channel.pk, rows=ROWS))
        seeded = time.perf_counter() - began
        with tenancy.organization(organization.pk):
            emails = list(Order.objects.order_by("?").values_list("email", flat=True)[:200])
            some = Order.objects.order_by("placed_at").first()
            assert some is not None
        client = Client(headers={"host": "127.0.0.1"})
        client.force_login(user)
        queries: dict[str, int] = {}
        sql: dict[str, list[float]] = {}
        chance = random.Random(5)

        def page(name: str, url: Callable[[], str]) -> Callable[[], float]:
            def run() -> float:
                began = time.perf_counter()
                answer = client.get(url())
                took = (time.perf_counter() - began) * 1000
                assert answer.status_code in (200, 302), (name, answer.status_code)
                with CaptureQueriesContext(connection) as captured:
                    client.get(url())
                queries[name] = len(captured)
                sql.setdefault(name, []).append(sum(float(q["time"]) for q in captured) * 1000)
                return took

            return run

        def floor(statement: str, parameters: Callable[[], list[Any]]) -> Callable[[], float]:
            def run() -> float:
                with tenancy.organization(organization.pk), connection.cursor() as cursor:
                    began = time.perf_counter()
                    cursor.execute(statement, parameters())
                    cursor.fetchall()
                    return (time.perf_counter() - began) * 1000

            return run

        def fragment() -> str:
            email = chance.choice(emails)
            at = email.index("@")
            return email[at - 4 : at + 6]

        orders, people = "/admin/orders/order/", "/admin/profiles/profile/"
        keyset = "SELECT id, number, email, total_minor FROM orders_order ORDER BY placed_at DESC, id DESC LIMIT 50"
        found = rig.rounds(
            {
                "orders_page_1": page("orders_page_1", lambda: orders),
                f"orders_page_{DEEP}": page(f"orders_page_{DEEP}", lambda: f"{orders}?p={DEEP}"),
                "orders_filtered": page("orders_filtered", lambda: f"{orders}?payment_status__exact=refunded"),
                "orders_search_fragment": page("orders_search_fragment", lambda: f"{orders}?q={fragment()}"),
                "customers_page_1": page("customers_page_1", lambda: people),
                "search_fragment": page("search_fragment", lambda: f"/admin/search/?q={fragment()}"),
                "search_exact": page("search_exact", lambda: f"/admin/search/?q={chance.choice(emails)}"),
                "order_page": page("order_page", lambda: f"{orders}{some.pk}/change/"),
                "customer_page": page("customer_page", lambda: f"{people}{some.profile_id}/change/"),
                "dashboard": page("dashboard", lambda: "/admin/"),
                "floor_keyset_sql": floor(keyset, list),
                "floor_fragment_sql": floor("SELECT orders_search(%s, 50)", lambda: [fragment()]),
            }
        )
        deep = rig.ratio(found[f"orders_page_{DEEP}"], found["orders_page_1"])
        rig.emit(
            question=f"the desk over {ROWS} orders and customers, ms a page in process",
            seeded_s=round(seeded, 1),
            ms={name: rig.spread(values) for name, values in found.items()},
            sql_ms={name: rig.spread(values) for name, values in sql.items()},
            queries=queries,
            deep_to_first=deep,
            goals="deep_to_first <= 1.1; queries <= 25 a page",
        )


if __name__ == "__main__":
    main()
