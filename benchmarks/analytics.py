"""How long do the figures of a week, a year and everything take over 1,000,000 orders, beside the naive aggregate?

The naive aggregates (`naive_figures`) ask the rows for each figure by itself. `counted_anew` puts the same to the rows
in as few statements as ours: it answers for the days of another time zone, and is asked for our own by its other name.
"""

import os
import time
from datetime import date, timedelta
from typing import Any

from benchmarks import rig

SIZE = int(os.environ.get("SIZE", "1000000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
DAYS = int(os.environ.get("DAYS", "1095"))
PRODUCTS, TALKS = 60, 5
ZONE, TWIN = "Europe/Berlin", "Arctic/Longyearbyen"

# Two orders a customer, two currencies, three channels; every fifth order came of a conversation, some went back.
SEED = [
    "DROP INDEX IF EXISTS order_fragment, identifier_fragment, profile_fragment",
    """INSERT INTO profiles_profile (organization_id, name, strength, created_at)
       SELECT {org}, 'Buyer', 20, now() FROM generate_series(1, {size} / 2)""",
    """INSERT INTO orders_product (organization_id, sku, title, kind, currency)
       SELECT {org}, 'SKU-' || g, 'Book ' || g, 'ebook', 'EUR' FROM generate_series(1, {products}) g""",
    """INSERT INTO orders_order (organization_id, identifiers, settled_identifiers, profile_id, provisional, channel_id,
         external_id, number, currency, total_minor, discount_minor, tax_minor, shipping_minor, presentment_currency,
         placed_at, paid_at, test, channel_status, channel_paid, channel_failed, cancelled, payment_reference,
         charge_reference, customer_name, email_raw, phone_raw, email, phone, region, verified_account,
         conversation_hint, flags, extra, authority, version, rank, digest, status, payment_status, captured_minor,
         refunded_minor, disputed_minor, needs_person, settled_at, delivery_email, linked_by_staff)
       SELECT {org}, ARRAY['email:' || mail], ARRAY['email:' || mail], {profile} + g::bigint * 7919 % ({size} / 2),
              false, (ARRAY[{channels}])[1 + g % 3], 'ORD-' || substr(md5(g::text), 1, 16), '#' || g,
              CASE WHEN g % 10 = 0 THEN 'USD' ELSE 'EUR' END, 990 + g % 4 * 1000, 0, 0, 0, '', at, at, g % 101 = 0,
              'delivered', true, false, false, 'pi_' || g, '', 'Buyer', mail, '', mail, '', 'DE', false, '', '{{}}',
              '{{}}', '2-order', at, 0, md5(g::text), 'delivered',
              CASE WHEN g % 20 = 0 THEN 'refunded' ELSE 'paid' END, 990 + g % 4 * 1000,
              CASE WHEN g % 20 = 0 THEN 990 + g % 4 * 1000 ELSE 0 END, 0, '', now(), '', false
         FROM (SELECT g, 'b' || g || '@mail.example' AS mail,
                      now() - ({size} - g) * interval '{days} days' / {size} AS at
                 FROM generate_series(1, {size}) g) s""",
    """INSERT INTO orders_line (organization_id, order_id, external_id, position, sku, title, quantity, total_minor,
         listing_ids, product_id, removed)
       SELECT {org}, id, '1', 0, 'SKU', 'A book', 1, total_minor, '{{}}', {product} + id % {products}, false
         FROM orders_order""",
    """INSERT INTO attribution_conversation (organization_id, identifiers, provisional, external_id, source, email,
         phone, email_raw, phone_raw, name, started_at, last_activity_at, message_count, tags, linked_by_staff)
       SELECT {org}, '{{}}', false, 'c' || g, 'api', '', '', '', '', '', at, at, 4, '{{}}', false
         FROM (SELECT g, now() - ({size} / {talks} - g) * interval '{days} days' / ({size} / {talks}) AS at
                 FROM generate_series(1, {size} / {talks}) g) s""",
    """INSERT INTO attribution_attribution (organization_id, order_id, conversation_id, method, confidence_cents,
         joined_by, factors, assists, algorithm_version, current, overridden_by, override_reason, at)
       SELECT {org}, id, CASE WHEN n % {talks} = 0 THEN {talk} + n / {talks} - 1 END,
              CASE WHEN n % {talks} <> 0 THEN 'no_match' ELSE (ARRAY['session_match', 'time_proximity', 'email_match'])
                [1 + n / {talks} % 3] END,
              CASE WHEN n % {talks} <> 0 THEN 0 ELSE (ARRAY[93, 80, 55])[1 + n / {talks} % 3] END,
              '', '{{}}', '[]', '1', true, '', '', placed_at
         FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM orders_order) o""",
    """INSERT INTO fulfillment_entitlement (organization_id, profile_id, order_id, line_id, product_id, source,
         source_key, status, because, decision, decision_reason, created_at)
       SELECT o.organization_id, o.profile_id, o.id, l.id, l.product_id, 'order', 'line:' || l.id, 'active',
              '', '', '', o.placed_at FROM orders_order o JOIN orders_line l ON l.order_id = o.id""",
    """INSERT INTO fulfillment_job (organization_id, entitlement_id, state, attempts, last_error)
       SELECT organization_id, id, CASE WHEN id % 97 = 0 THEN 'failed' ELSE 'completed' END, 1, ''
         FROM fulfillment_entitlement""",
]
UNTIED = (
    "orders_order", "orders_line", "attribution_attribution", "fulfillment_entitlement", "fulfillment_job",
)  # fmt: skip
QUIET = (*UNTIED, "attribution_conversation")


def main() -> None:
    with rig.installation():
        measure()


def measure() -> None:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from psycopg import sql

    from attribution.models import Conversation
    from benchmarks import naive_figures
    from config import counting, databases
    from orders import marks
    from orders.actions import channels, stale_days
    from orders.models import Product, StaleDay
    from profiles import clock, tenancy
    from profiles.actions import organizations
    from profiles.actors import Actor
    from profiles.models import Profile, Role
    from support.analytics import Asked
    from support.models import ProductTally, RevenueTally
    from support.queries import analytics, proofs_of_tallies

    by = Actor.system("benchmark")
    organization = organizations.create("bench", name="Bench", currency="EUR", region="DE", timezone=ZONE, by=by)
    with tenancy.organization(organization.pk):
        shops = [
            channels.connect(
                organization, kind=kind, domain=f"{kind}.example", secret="s", calls_provider=False, by=by
            ).pk
            for kind in ("stripe", "shopify", "api")
        ]
    began = time.perf_counter()
    with databases.as_owner(), connection.cursor() as cursor:
        for table in UNTIED:
            cursor.execute("SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass", [table])
            for (name,) in cursor.fetchall():
                drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
                cursor.execute(drop.format(sql.Identifier(table), sql.Identifier(name)))
        for table in QUIET:
            cursor.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(sql.Identifier(table)))
        for statement in SEED:
            with tenancy.organization(organization.pk):
                firsts = [model.objects.order_by("pk").values_list("pk", flat=True).first() or 0
                          for model in (Profile, Product, Conversation)]  # fmt: skip
                cursor.execute(
                    statement.format(
                        org=organization.pk, size=SIZE, days=DAYS, products=PRODUCTS, talks=TALKS,
                        channels=", ".join(map(str, shops)), profile=firsts[0], product=firsts[1], talk=firsts[2],
                    )
                )  # fmt: skip
        with tenancy.organization(organization.pk):
            cursor.execute(marks.all_days("orders_order", moment="placed_at"))
        for table in QUIET:
            cursor.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(table)))
        cursor.execute("VACUUM ANALYZE")
    seeded = time.perf_counter() - began
    with tenancy.organization(organization.pk):
        days = StaleDay.objects.values("day").distinct().count()
    began = time.perf_counter()
    while counting.days(organization.pk):
        pass
    counted = time.perf_counter() - began
    with databases.as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    today = clock.now().date() + timedelta(days=1)
    ranges = {
        "week": today - timedelta(days=7),
        "year": today - timedelta(days=365),
        "everything": date(2015, 1, 1),
    }

    def asked(name: str, zone: str = ZONE) -> Asked:
        return Asked(organization.pk, zone, ranges[name], today, "EUR")

    def ask(question: Any, name: str, zone: str = ZONE) -> float:
        with tenancy.organization(organization.pk):
            began = time.perf_counter()
            question(asked(name, zone))
            return time.perf_counter() - began

    with tenancy.organization(organization.pk):
        for name in ranges:
            told = analytics.figures(asked(name))
            assert told == analytics.figures(asked(name, TWIN))
            naive_figures.check(naive_figures.figures(asked(name)), told)
    questions = {
        "figures": analytics.figures,
        "cohorts": analytics.cohorts,
        "growth": analytics.growth_by_week,
    }
    works = {
        f"{what}_{name}": (lambda question=question, name=name: ask(question, name))
        for what, question in questions.items()
        for name in ranges
    }
    found = rig.rounds(works, count=ROUNDS)
    naive = rig.rounds(
        {f"figures_{name}": (lambda name=name: ask(naive_figures.figures, name)) for name in ranges}, count=ROUNDS
    )
    counted_anew = rig.rounds(
        {f"figures_{name}": (lambda name=name: ask(analytics.figures, name, TWIN)) for name in ranges}, count=ROUNDS
    )
    with tenancy.organization(organization.pk):
        stale_days.mark(organization.pk, [today - timedelta(days=1)])
    stale = rig.rounds(works, count=ROUNDS)
    user = User.objects.create_user("bench", password="bench", is_staff=True)
    with tenancy.organization(organization.pk):
        organizations.add_member(organization, user, Role.ENGINEER, by=by)
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)

    def page(board: str, query: str) -> float:
        began = time.perf_counter()
        answer = client.get(f"/admin/why/{board}/?{query}")
        assert answer.status_code == 200, (board, query, answer.status_code)
        return time.perf_counter() - began

    pages = rig.rounds(
        {
            f"{board}_{query.partition('=')[2]}": (lambda board=board, query=query: page(board, query))
            for board in ("revenue", "cohorts", "growth", "funnel")
            for query in ("range=7d", "range=30d", "range=12m", "range=all")
        },
        count=ROUNDS,
    )
    began = time.perf_counter()
    counting.days(organization.pk)
    one_day = time.perf_counter() - began
    with tenancy.organization(organization.pk):
        began = time.perf_counter()
        differences = proofs_of_tallies.differences(organization)
        verified = time.perf_counter() - began
        kept = {"revenue": RevenueTally.objects.count(), "products": ProductTally.objects.count()}
    rig.emit(
        question=f"figures over {SIZE} orders and {SIZE // TALKS} conversations of {days} days, seconds",
        seeded_s=round(seeded, 1),
        all_days_counted_s=round(counted, 1),
        one_day_counted_s=round(one_day, 3),
        verified_s=round(verified, 1),
        differences=len(differences),
        kept=kept,
        seconds={name: rig.spread(values) for name, values in found.items()},
        today_stale={name: rig.spread(values) for name, values in stale.items()},
        pages={name: rig.spread(values) for name, values in pages.items()},
        naive={name: rig.spread(values) for name, values in naive.items()},
        counted_anew={name: rig.spread(values) for name, values in counted_anew.items()},
        times_faster={name: rig.ratio(naive[name], found[name]) for name in naive},
        times_faster_today_stale={name: rig.ratio(naive[name], stale[name]) for name in naive},
        goals="every range <= 0.1 s; everything >= 20 times faster than naive; no differences",
    )


if __name__ == "__main__":
    main()
