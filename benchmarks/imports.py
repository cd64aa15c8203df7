"""How fast do the facts of a file come in, phase by phase, how fast is a known file passed over, is memory flat?

    python -m benchmarks.imports [--orders 20000] [--flat 10000,200000] [--rounds 5]

The floor is COPY into a temporary table and a merge into two bare tables, in the same run and database. Beside it
stands what these facts cost at least in the tables they really go to, with all their indexes, references and triggers:
one INSERT … SELECT a table out of the same temporary table, and nothing looked at, judged or locked.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks import rig
from tests import memory

HEAD = "order_id,order_date,email,sku,quantity,currency,gross,fee,net,status\n"
FLOOR = """
CREATE TABLE floor_order (organization_id bigint, id bigserial, external_id text, email text, currency text,
  total numeric, placed_at timestamptz, UNIQUE (organization_id, external_id));
CREATE TABLE floor_line (organization_id bigint, order_id bigint, sku text, quantity int, total numeric,
  UNIQUE (organization_id, order_id, sku));
"""
STAGE = """
CREATE TEMP TABLE IF NOT EXISTS stage (order_id text, order_date text, email text, sku text, quantity text,
  currency text, gross text, fee text, net text, status text, line bigserial);
TRUNCATE stage
"""
COPY = f"COPY stage ({HEAD.strip()}) FROM STDIN (FORMAT csv, HEADER)"
ORDERS = """
INSERT INTO floor_order (organization_id, external_id, email, currency, total, placed_at)
SELECT 1, order_id, min(lower(email)), min(currency), sum(gross::numeric), min(order_date::timestamptz)
  FROM stage GROUP BY order_id ON CONFLICT DO NOTHING
"""
LINES = """
INSERT INTO floor_line SELECT 1, o.id, s.sku, s.quantity::int, s.gross::numeric
  FROM stage s JOIN floor_order o ON o.organization_id = 1 AND o.external_id = s.order_id ON CONFLICT DO NOTHING
"""
OURS = (
    """
INSERT INTO orders_order (organization_id, identifiers, provisional, linked_by_staff, channel_id, external_id, number,
  currency, total_minor, discount_minor, tax_minor, shipping_minor, presentment_currency, placed_at, paid_at, test,
  channel_status, channel_paid, channel_failed, cancelled, payment_reference, charge_reference, customer_name,
  email_raw, phone_raw, email, phone, region, verified_account, conversation_hint, flags, extra, authority, version,
  rank, digest, from_file, quiet, status, payment_status, captured_minor, refunded_minor, disputed_minor,
  needs_person, delivery_email)
SELECT %(organization)s, ARRAY['email:' || min(email)], false, false, %(channel)s, order_id, '', min(currency),
  sum(gross::numeric * 100), 0, 0, 0, '', min(order_date::timestamptz), min(order_date::timestamptz), false,
  'pending', true, false, false, '', '', '', min(email), '', min(email), '', '', false, '', '{}', '{}', '0-file',
  now(), count(*), encode(sha256(order_id::bytea), 'hex'), true, true, 'pending', 'unpaid', 0, 0, 0, '', ''
  FROM stage GROUP BY order_id ORDER BY min(line)
""",
    """
INSERT INTO orders_line (organization_id, order_id, external_id, position, sku, title, quantity, total_minor,
  listing_ids, removed)
SELECT %(organization)s, o.id, s.sku, 0, s.sku, '', s.quantity::int, s.gross::numeric * 100, '{}', false
  FROM stage s JOIN orders_order o ON o.channel_id = %(channel)s AND o.external_id = s.order_id
""",
    """
INSERT INTO orders_payment (organization_id, channel_id, external_id, order_id, order_external_id, payment_reference,
  charge_reference, amount_minor, currency, at, test, version, rank, digest, status, method, last4, fee_minor)
SELECT %(organization)s, %(channel)s, 'file:' || s.order_id, min(o.id), s.order_id, 'file:' || s.order_id, '',
  sum(gross::numeric * 100), min(s.currency), min(o.placed_at), false, now(), 0, min(o.digest), 'captured', '', '', 50
  FROM stage s JOIN orders_order o ON o.channel_id = %(channel)s AND o.external_id = s.order_id GROUP BY s.order_id
""",
    """
INSERT INTO orders_importrow (organization_id, imported_id, line, key, cells, outcome, reason, kept)
SELECT %(organization)s, %(import)s, line, order_id,
  ARRAY[order_id, order_date, email, sku, quantity, currency, gross, fee, net, status], 'new', '', '' FROM stage
""",
    """
INSERT INTO profiles_settlementrequest (organization_id, subject, subject_id, state, revision, attempts, due_at,
  last_error)
SELECT %(organization)s, 'order', o.id, 'queued', 1, 0, now(), ''
  FROM (SELECT DISTINCT order_id FROM stage) s
  JOIN orders_order o ON o.channel_id = %(channel)s AND o.external_id = s.order_id
""",
    "SET CONSTRAINTS ALL IMMEDIATE",
)


def lines(orders: int, first: int) -> Iterator[str]:
    """A generic file: each order has one to three rows, 1.75 on average."""
    yield HEAD
    for number in range(first, first + orders):
        for part in range((1, 2, 1, 3)[number % 4]):
            gross = f"{number % 90 + 10}.{part}0"
            yield (
                f"o-{number},2026-{number % 12 + 1:02}-{number % 28 + 1:02}T10:{number % 60:02}:00Z,"
                f"buyer{number}@example.org,SKU-{part},1,EUR,{gross},0.50,{number % 90 + 9}.{part + 5}0,paid\n"
            )


class Clock:
    """Orders a second of one thing, and the processor time it took here and in the database, in µs an order."""

    def __init__(self, orders: int, into: dict[str, list[float]], costs: dict[str, list[tuple[float, float]]]) -> None:
        self.orders, self.into, self.costs = orders, into, costs

    def time(self, name: str, act: Callable[[], Any]) -> Any:
        wall, here, there = time.perf_counter(), time.process_time(), _in_database()
        found = act()
        self.into.setdefault(name, []).append(self.orders / (time.perf_counter() - wall))
        spent = (time.process_time() - here, _in_database() - there)
        self.costs.setdefault(name, []).append((spent[0] / self.orders * 1e6, spent[1] / self.orders * 1e6))
        return found


def _in_database() -> float:
    """Processor seconds of our own process in the database; 0 where the machine does not tell."""
    from django.db import connection

    connection.ensure_connection()
    place = Path(f"/proc/{connection.connection.info.backend_pid}/stat")
    if not place.exists():
        return 0.0
    words = place.read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--flat", default="10000,200000")
    parser.add_argument("--rounds", type=int, default=rig.ROUNDS)
    given = parser.parse_args()
    with rig.installation() as installation:
        from django.db import connection, transaction

        from config import databases, importing, settling
        from orders.actions import import_files, imports
        from orders.files.dialects import Mode, Record
        from orders.models import Import
        from profiles import clock as instants
        from profiles import tenancy
        from profiles.actions import organizations
        from profiles.actors import Actor
        from profiles.models import Organization

        by = Actor.system("benchmark")

        def shop(slug: str) -> Organization:
            return organizations.create(slug, name=slug, currency="EUR", region="DE", timezone="Europe/Berlin", by=by)

        mine, bare, settled = shop("bench"), shop("bare"), shop("settled")
        with databases.as_owner(), connection.cursor() as cursor:
            cursor.execute(FLOOR)
            cursor.execute("GRANT ALL ON floor_order, floor_line TO PUBLIC")
            cursor.execute("GRANT ALL ON SEQUENCE floor_order_id_seq TO PUBLIC")
        numbers = count(1)

        def file(orders: int) -> bytes:
            return "".join(lines(orders, next(numbers) * 10_000_000)).encode()

        def receive(content: bytes, organization: Organization) -> Import:
            with tenancy.organization(organization.pk):
                return import_files.receive(
                    io.BytesIO(content),
                    filename="bench.csv",
                    channel=import_files.channel_for(organization, "csv:bench", by=by),
                    mode=Mode.ORDERS,
                    record=Record.NET,
                    by=by,
                    organization=organization,
                )

        def work(row: Import, begin: Callable[..., Any]) -> Import:
            with tenancy.organization(row.organization_id):
                begin(row, by=by)
            while importing.files(row.organization_id, seconds=3600):
                pass
            with tenancy.organization(row.organization_id):
                found = Import.objects.get(pk=row.pk)
            assert found.rows == found.fresh + found.same > 0, found.last_error
            return found

        def staged(content: bytes, *statements: str, **values: Any) -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(STAGE)
                with cursor.copy(COPY) as copy:
                    copy.write(content)
                cursor.execute("ANALYZE stage")
                for statement in statements:
                    cursor.execute(statement, values or None)

        def into_tables(content: bytes) -> None:
            with tenancy.organization(bare.pk):
                channel = import_files.channel_for(bare, "csv:bench", by=by)
                row = Import(organization=bare, channel=channel, mode="orders", state="taking", filename="b", by="b")
                row.size, row.sha256, row.version, row.created_at = 0, "", instants.now(), instants.now()
                row.save()
                names = {"organization": bare.pk, "channel": channel.pk, "import": row.pk}
                staged(content, *OURS, **names)

        def round_of(clock: Clock) -> None:
            content = file(given.orders)
            row = clock.time("keep and recognise", lambda: receive(content, mine))
            clock.time("dry run", lambda: work(row, imports.check))
            done = clock.time("facts", lambda: work(row, imports.take))
            assert done.fresh == done.rows
            with databases.as_owner(), connection.cursor() as cursor:
                cursor.execute("TRUNCATE floor_order, floor_line")
            clock.time("floor", lambda: staged(content, ORDERS, LINES))
            clock.time("our tables alone", lambda: into_tables(file(given.orders)))
            clock.time("floor again", lambda: staged(content, ORDERS, LINES))
            known = clock.time("same file again", lambda: receive(content, mine))
            assert known.repeats_id == row.pk and known.same == known.rows
            other = receive(content + b"\n", mine)
            done = clock.time("same rows in another file", lambda: work(other, imports.take))
            assert done.same == done.rows

        found: dict[str, list[float]] = {}
        costs: dict[str, list[tuple[float, float]]] = {}
        round_of(Clock(given.orders, {}, {}))
        whole = Clock(given.orders, found, costs)
        for _ in range(given.rounds):
            round_of(whole)
        row = receive(file(given.orders), settled)
        whole.time("facts of a first file", lambda: work(row, imports.take))
        whole.time("settle", lambda: settling.work(settled.pk))
        peaks = {}
        for orders in map(int, given.flat.split(",")):
            with tempfile.NamedTemporaryFile(suffix=".csv") as kept:
                kept.writelines(line.encode() for line in lines(orders, next(numbers) * 10_000_000))
                kept.flush()
                # What follows from the facts is left to others.
                own = ("--organization", "bench", "--channel", "csv:bench", "--mode", "orders", "--no-wait")
                held = memory.peak(installation, "import_csv", *own, kept.name)
                peaks[orders] = {"peak_mb": held, "file_mb": round(kept.tell() / 1e6, 1)}
        rig.emit(
            question="orders a second from a file to facts, and from a known file to nothing",
            orders=given.orders,
            orders_per_second={name: rig.spread(values) for name, values in found.items()},
            processor_us_an_order={
                name: {
                    "here": round(statistics.median(here for here, _ in spent)),
                    "database": round(statistics.median(there for _, there in spent)),
                }
                for name, spent in costs.items()
            },
            ratio_to_floor=rig.ratio(found["facts"], found["floor"]),
            ratio_to_our_tables_alone=rig.ratio(found["facts"], found["our tables alone"]),
            dry_run_ratio_to_floor=rig.ratio(found["dry run"], found["floor"]),
            again_ratio_to_floor=rig.ratio(found["same file again"], found["floor again"]),
            other_file_ratio_to_floor=rig.ratio(found["same rows in another file"], found["floor again"]),
            memory=peaks,
            goals="ratio_to_floor >= 0.5; again >= 0.8; memory flat, <= 150",
        )


if __name__ == "__main__":
    main()
