"""How long does comparing 1,000,000 orders, payments, entitlements and receipts take, beside the bare SQL floor?

The floor is the same number of rows in three narrow tables without row-level security: one statement of full joins
that keeps each defect as a row. Ours looks for all ten kinds over the real tables and keeps both sides of each.
"""

import os
import time
from typing import Any

from benchmarks import rig

ROWS = int(os.environ.get("ROWS", "1000000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
NEWEST = 1000

# About one defect in a hundred of three sorts, as the floor's tables have them; keys are spread as in life.
SEED = [
    "DROP INDEX IF EXISTS order_fragment, identifier_fragment, profile_fragment",
    """INSERT INTO profiles_profile (organization_id, name, strength, created_at)
       SELECT {org}, 'Buyer', 20, now() FROM generate_series(1, {rows} / 2)""",
    """INSERT INTO orders_order (organization_id, identifiers, settled_identifiers, profile_id, provisional, channel_id,
         external_id, number, currency, total_minor, discount_minor, tax_minor, shipping_minor, presentment_currency,
         placed_at, paid_at, test, channel_status, channel_paid, channel_failed, cancelled, payment_reference,
         charge_reference, customer_name, email_raw, phone_raw, email, phone, region, verified_account,
         conversation_hint, flags, extra, authority, version, rank, digest, status, payment_status, captured_minor,
         refunded_minor, disputed_minor, needs_person, settled_at, delivery_email, linked_by_staff)
       SELECT {org}, ARRAY['email:' || mail], ARRAY['email:' || mail], {profile} + g % ({rows} / 2), false, {channel},
              'ORD-' || substr(md5(g::text), 1, 16), '#' || g, 'EUR', (array[990, 1900, 4900, 9900])[1 + g % 4], 0, 0,
              0, '', now() - ({rows} - g) * interval '1 minute', now() - ({rows} - g) * interval '1 minute', false,
              'delivered', true, false, false, 'pi_' || md5('p' || g), '', 'Buyer ' || g, mail, '', mail, '', 'DE',
              false, '', '{{}}', '{{}}', '2-order', now() - ({rows} - g) * interval '1 minute', 0, md5(g::text),
              'delivered', 'paid', (array[990, 1900, 4900, 9900])[1 + g % 4], 0, 0, '', now(), '', false
         FROM (SELECT g, 'buyer' || g % ({rows} / 2) || '@mail.example' AS mail FROM generate_series(1, {rows}) g) s""",
    """INSERT INTO orders_line (organization_id, order_id, external_id, position, sku, title, quantity, total_minor,
         listing_ids, product_id, removed)
       SELECT {org}, id, '1', 0, 'EBOOK', 'An e-book', 1, total_minor, '{{}}', {product}, false FROM orders_order""",
    """INSERT INTO orders_payment (organization_id, channel_id, external_id, order_id, order_external_id,
         payment_reference, charge_reference, amount_minor, currency, at, test, version, rank, digest, arrived_at,
         status, method, last4, fee_minor)
       SELECT {org}, channel_id, payment_reference, id, external_id, payment_reference, '',
              total_minor + (id % 97 = 0)::int, currency, placed_at, false, placed_at, 0, digest, placed_at,
              'captured', 'card', '4242', 60
         FROM orders_order WHERE id % 103 <> 0""",
    """INSERT INTO fulfillment_entitlement (organization_id, profile_id, order_id, line_id, product_id, source,
         source_key, status, because, decision, decision_reason, created_at)
       SELECT o.organization_id, o.profile_id, o.id, l.id, l.product_id, 'order', 'line:' || l.id, 'active',
              'Paid on 2 Nov 2026', '', '', o.placed_at
         FROM orders_order o JOIN orders_line l ON l.order_id = o.id WHERE o.id % 107 <> 0""",
    """INSERT INTO fulfillment_email (organization_id, effect_key, template, "to", about, order_id, profile_id, subject,
         text, html, secrets, message_id, by_person, never_send, state, attempts, provider, provider_message_id,
         last_error, bounce, created_at, done_at)
       SELECT organization_id, 'receipt:' || id, 'receipt', email, '', id, profile_id, 'Your receipt', 'Thank you.', '',
              '', 'm' || id, false, false, 'sent', 1, 'smtp', '', '', '', placed_at, placed_at FROM orders_order""",
]
UNTIED = (
    "orders_order", "orders_line", "orders_payment", "fulfillment_entitlement", "fulfillment_email",
)  # fmt: skip

FLOOR_TABLES = [
    """CREATE UNLOGGED TABLE floor_order (id bigserial, org_id int, external_id text, email text, phone text,
         total numeric(12,2), currency text, status text, created_at timestamptz)""",
    """CREATE UNLOGGED TABLE floor_payment (id bigserial, org_id int, order_key text, amount numeric(12,2),
         currency text)""",
    "CREATE UNLOGGED TABLE floor_entitlement (id bigserial, org_id int, order_key text, sku text)",
    """INSERT INTO floor_order (org_id, external_id, email, phone, total, currency, status, created_at)
       SELECT 1, 'ORD-' || substr(md5(g::text), 1, 16), 'buyer' || g || '@mail.example', '+336' || g,
              (array[9.90, 19.00, 49.00, 99.00])[1 + g % 4], 'EUR', 'paid', now()
         FROM generate_series(1, {rows}) g WHERE g % 101 <> 0""",
    """INSERT INTO floor_payment (org_id, order_key, amount, currency)
       SELECT 1, 'ORD-' || substr(md5(g::text), 1, 16), (array[9.90, 19.00, 49.00, 99.00])[1 + g % 4]
              + (g % 97 = 0)::int, 'EUR' FROM generate_series(1, {rows}) g WHERE g % 103 <> 0""",
    """INSERT INTO floor_entitlement (org_id, order_key, sku)
       SELECT 1, 'ORD-' || substr(md5(g::text), 1, 16), 'EBOOK-' || g % 50
         FROM generate_series(1, {rows}) g WHERE g % 107 <> 0""",
]
FLOOR = [
    "DROP TABLE IF EXISTS floor_case",
    "CREATE TABLE floor_case (org_id int, key text, verdict text, PRIMARY KEY (org_id, key))",
    """INSERT INTO floor_case SELECT * FROM (
         SELECT coalesce(o.org_id, p.org_id, e.org_id) AS org_id,
                coalesce(o.external_id, p.order_key, e.order_key) AS key,
                CASE WHEN o.id IS NULL AND p.id IS NULL THEN 'entitlement_only' WHEN o.id IS NULL THEN 'no_order'
                     WHEN p.id IS NULL THEN 'no_payment'
                     WHEN p.amount <> o.total OR p.currency <> o.currency THEN 'amount_differs'
                     WHEN e.id IS NULL THEN 'no_entitlement' ELSE 'ok' END AS verdict
           FROM floor_order o
           FULL JOIN floor_payment p ON p.org_id = o.org_id AND p.order_key = o.external_id
           FULL JOIN floor_entitlement e ON e.org_id = coalesce(o.org_id, p.org_id)
                                        AND e.order_key = coalesce(o.external_id, p.order_key)) x
        WHERE verdict <> 'ok'""",
]


def main() -> None:
    with rig.installation():
        measure()


def measure() -> None:
    from datetime import timedelta

    from django.db import connection
    from psycopg import sql

    from config import databases
    from orders.actions import channels, products
    from orders.models import Order
    from profiles import clock, tenancy
    from profiles.actions import organizations
    from profiles.actors import Actor
    from profiles.models import Profile
    from support.actions import comparisons, reconciliation
    from support.models import Discrepancy
    from support.queries import differences as questions

    by = Actor.system("benchmark")
    organization = organizations.create(
        "bench", name="Bench", currency="EUR", region="DE", timezone="Europe/Berlin", by=by
    )
    with tenancy.organization(organization.pk):
        channel = channels.connect(
            organization, kind="stripe", domain="bench.example", secret="s", calls_provider=False, by=by
        )
        product = products.add(
            organization=organization, sku="EBOOK", title="An e-book", kind="ebook", price="9.90", currency="EUR", by=by
        )
    began = time.perf_counter()
    with databases.as_owner(), connection.cursor() as cursor:
        for table in UNTIED:
            cursor.execute("SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass", [table])
            for (name,) in cursor.fetchall():
                drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
                cursor.execute(drop.format(sql.Identifier(table), sql.Identifier(name)))
        first = 0
        for statement in SEED:
            with tenancy.organization(organization.pk):
                first = first or (Profile.objects.order_by("pk").values_list("pk", flat=True).first() or 0)
                values = {"org": organization.pk, "channel": channel.pk, "product": product.pk, "profile": first}
                cursor.execute(statement.format(rows=ROWS, **values))
        for statement in FLOOR_TABLES:
            cursor.execute(statement.format(rows=ROWS))
        cursor.execute("VACUUM ANALYZE")
    seeded = time.perf_counter() - began
    with tenancy.organization(organization.pk):
        newest = Order.objects.order_by("-placed_at").values_list("placed_at", flat=True)[NEWEST - 1]
    now = clock.now()

    def ours(since: Any, *, fresh: bool) -> float:
        with tenancy.organization(organization.pk):
            if fresh:
                Discrepancy.objects.all().delete()
        began = time.perf_counter()
        reconciliation.now(organization.pk, since=since, until=now, by=by)
        return time.perf_counter() - began

    def look() -> float:
        """The comparison alone, as a part of a run does it."""
        kinds = [kind for part in questions.PARTS.values() for kind in part]
        began = time.perf_counter()
        with tenancy.organization(organization.pk):
            scope = questions.window(newest, now)
            comparisons.compare(kinds, scope, organization_id=organization.pk)
        return time.perf_counter() - began

    def floor() -> float:
        with databases.as_owner(), connection.cursor() as cursor:
            began = time.perf_counter()
            for statement in FLOOR:
                cursor.execute(statement)
            return time.perf_counter() - began

    everything = now - timedelta(minutes=ROWS + 1440)
    found = rig.rounds(
        {
            "floor_sql_stored": floor,
            "all_kinds_stored": lambda: ours(everything, fresh=True),
            "all_kinds_again": lambda: ours(everything, fresh=False),
            "newest_1000": look,
            "newest_1000_as_a_run": lambda: ours(newest, fresh=False),
        },
        count=ROUNDS,
    )
    with tenancy.organization(organization.pk):
        kept = {kind: Discrepancy.objects.filter(kind=kind).count() for kind in Discrepancy.Kind.values}
    rig.emit(
        question=f"reconciliation of {ROWS} orders, payments, entitlements and receipts, seconds",
        seeded_s=round(seeded, 1),
        kept={kind: count for kind, count in kept.items() if count},
        seconds={name: rig.spread(values) for name, values in found.items()},
        to_floor=rig.ratio(found["all_kinds_stored"], found["floor_sql_stored"]),
        newest_to_floor=rig.ratio(found["newest_1000"], found["floor_sql_stored"]),
        goals="to_floor <= 1.5; newest_to_floor <= 0.02",
    )


if __name__ == "__main__":
    main()
