"""How fast do the facts of a file come in, how fast is a file passed over that is known, and does memory stay flat?

    python -m benchmarks.imports [--orders 20000] [--flat 10000,200000]

The floor is COPY into a temporary table and a merge into two bare tables, in the same run and database.
"""

import argparse
import io
import resource
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count

from benchmarks import rig

HEAD = "order_id,order_date,email,sku,quantity,currency,gross,fee,net,status\n"
FLOOR = """
CREATE TABLE floor_order (organization_id bigint, id bigserial, external_id text, email text, currency text,
  total numeric, placed_at timestamptz, UNIQUE (organization_id, external_id));
CREATE TABLE floor_line (organization_id bigint, order_id bigint, sku text, quantity int, total numeric,
  UNIQUE (organization_id, order_id, sku));
"""
STAGE = """
CREATE TEMP TABLE IF NOT EXISTS stage (order_id text, order_date text, email text, sku text, quantity text,
  currency text, gross text, fee text, net text, status text);
TRUNCATE stage
"""
ORDERS = """
INSERT INTO floor_order (organization_id, external_id, email, currency, total, placed_at)
SELECT 1, order_id, min(lower(email)), min(currency), sum(gross::numeric), min(order_date::timestamptz)
  FROM stage GROUP BY order_id ON CONFLICT DO NOTHING
"""
LINES = """
INSERT INTO floor_line SELECT 1, o.id, s.sku, s.quantity::int, s.gross::numeric
  FROM stage s JOIN floor_order o ON o.organization_id = 1 AND o.external_id = s.order_id ON CONFLICT DO NOTHING
"""


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--flat", default="10000,200000")
    given = parser.parse_args()
    with rig.installation():
        from django.db import connection, transaction

        from config import databases, importing
        from orders.actions import import_files, imports
        from orders.files.dialects import Mode, Record
        from orders.models import Import
        from profiles import tenancy
        from profiles.actions import organizations
        from profiles.actors import Actor

        by = Actor.system("benchmark")
        organization = organizations.create(
            "bench", name="Bench", currency="EUR", region="DE", timezone="Europe/Berlin", by=by
        )
        with databases.as_owner(), connection.cursor() as cursor:
            cursor.execute(FLOOR)
        numbers, known = count(1), {"file": b""}

        def file(orders: int) -> bytes:
            return "".join(lines(orders, next(numbers) * 10_000_000)).encode()

        def take(content: io.BytesIO) -> Import:
            with tenancy.organization(organization.pk):
                channel = import_files.channel_for(organization, "csv:bench", by=by)
                row = import_files.receive(
                    content,
                    filename="bench.csv",
                    channel=channel,
                    mode=Mode.ORDERS,
                    record=Record.NET,
                    by=by,
                    organization=organization,
                )
                if row.repeats_id is None:
                    imports.take(row, by=by)
            while importing.files(organization.pk, seconds=3600):
                pass
            with tenancy.organization(organization.pk):
                return Import.objects.get(pk=row.pk)

        def ours() -> float:
            known["file"] = file(given.orders)
            began = time.perf_counter()
            done = take(io.BytesIO(known["file"]))
            seconds = time.perf_counter() - began
            assert done.fresh == done.rows > given.orders, done.last_error
            return given.orders / seconds

        def ours_again() -> float:
            began = time.perf_counter()
            done = take(io.BytesIO(known["file"]))
            seconds = time.perf_counter() - began
            assert done.same == done.rows
            return given.orders / seconds

        def copied(content: bytes) -> float:
            began = time.perf_counter()
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(STAGE)
                with cursor.copy("COPY stage FROM STDIN (FORMAT csv, HEADER)") as copy:
                    copy.write(content)
                cursor.execute("ANALYZE stage")
                cursor.execute(ORDERS)
                cursor.execute(LINES)
            return given.orders / (time.perf_counter() - began)

        def floor() -> float:
            with databases.as_owner(), connection.cursor() as cursor:
                cursor.execute("TRUNCATE floor_order, floor_line")
            return copied(known["file"] or file(given.orders))

        def floor_again() -> float:
            return copied(known["file"])

        with databases.as_owner(), connection.cursor() as cursor:
            cursor.execute("GRANT ALL ON floor_order, floor_line TO PUBLIC")
            cursor.execute("GRANT ALL ON SEQUENCE floor_order_id_seq TO PUBLIC")
        contenders = {"ours": ours, "floor": floor, "floor_again": floor_again, "ours_again": ours_again}
        found = _in_order(contenders)
        peaks = {}
        for orders in map(int, given.flat.split(",")):
            content, before = io.BytesIO(file(orders)), _peak()
            take(content)
            size = round(content.getbuffer().nbytes / 1e6, 1)
            peaks[orders] = {"peak_mb": _peak(), "before_mb": before, "file_mb": size}
        rig.emit(
            question="orders a second from a file to facts, and from a known file to nothing",
            orders=given.orders,
            orders_per_second={name: rig.spread(values) for name, values in found.items()},
            ratio_to_floor=rig.ratio(found["ours"], found["floor"]),
            again_ratio_to_floor=rig.ratio(found["ours_again"], found["floor_again"]),
            memory=peaks,
            goals="ratio_to_floor >= 0.5; again >= 0.8; memory flat",
        )


def _in_order(contenders: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Not turned about as other measurements are: what is known must have come before. The first round warms up."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rig.ROUNDS + 1):
        for name, contender in contenders.items():
            value = contender()
            if number:
                found[name].append(value)
    return found


def _peak() -> float:
    """Megabytes this process held at most so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


if __name__ == "__main__":
    main()
