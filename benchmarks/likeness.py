"""How many of the pairs that are one person are suggested, how many suggestions are wrong, and how long does it take?

Public test data first (FEBRL 1 to 4; `tests/records.py` says how their fields map to ours), then made-up customers in a
database, found by the same action that the workers run.
"""

import json
import os
import random
import time
from collections import Counter, defaultdict
from itertools import combinations
from typing import Any

from benchmarks import rig
from profiles import likeness
from profiles.likeness import Band
from tests import records

ROWS = int(os.environ.get("ROWS", "100000"))
TWINS = 20  # one customer in so many comes a second time, misspelled


def judged(data: records.DataSet) -> dict[str, Any]:
    """Precision and recall over a data set, its candidates found by the same keys as in the database."""
    began = time.perf_counter()
    crowd = 20  # as the search itself holds it (`likenesses.CROWD`), which needs Django
    blocks: dict[int, list[int]] = defaultdict(list)
    for number, person in enumerate(data.people):
        for key in likeness.keys(person):
            blocks[key].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for key, block in blocks.items():
        if len(block) <= crowd:
            shared.update(dict.fromkeys(combinations(block, 2), 2 if likeness.telling(key) else 1))
    candidates = {pair for pair, count in shared.items() if count > 1}
    bands: dict[tuple[int, int], Band] = {}
    for one, other in candidates:
        if band := likeness.compare(data.people[one], data.people[other]).band:
            bands[one, other] = band
    true = data.pairs & bands.keys()
    false = Counter(band for pair, band in bands.items() if pair not in data.pairs)
    return {
        "records": len(data.people),
        "true_pairs": len(data.pairs),
        "compared": len(candidates),
        "reachable": round(len(data.pairs & candidates) / len(data.pairs), 4),
        "suggested": len(bands),
        "bands": {str(band): count for band, count in sorted(Counter(bands.values()).items())},
        "recall": round(len(true) / len(data.pairs), 4),
        "recall_almost_certain": round(
            sum(1 for pair in true if bands[pair] is Band.ALMOST_CERTAIN) / len(data.pairs), 4
        ),
        "precision": round(len(true) / max(len(bands), 1), 4),
        "false": sum(false.values()),
        "false_almost_certain": false[Band.ALMOST_CERTAIN],
        "seconds": round(time.perf_counter() - began, 2),
    }


GIVEN = "Ada Ben Carla Dario Elif Finn Greta Hugo Ines Jonas Kaja Luis Maya Nils Olga Pavel Rosa Sami Tilda Uwe"
FAMILY = "Okafor Brandt Quist Lindgren Moreau Yilmaz Kowalski Haas Ferrari Novak Silva Weber Dubois Jansen Costa"
ROADS = "Haupt Wall Ring Linden Markt Schiller Garten See Berg Park Mühlen Bahnhof Kirch Schul Wiesen Feld"
TOWNS = "Al Bern Dorn Esch Frei Grün Hohen Ilmen Kalt Lauen Mor Nieder Ober Plan Rosen Stein Tann Ulm Wald Zell"


SEED_PROFILES = "INSERT INTO profiles_profile (organization_id, name, strength) SELECT %s, unnest(%s::text[]), 20"
SEED_EMAILS = """
INSERT INTO profiles_identifier (organization_id, kind, value, spelled, raw, profile_id, status, added_by_staff)
SELECT %s, 'email', v.value, 'email:' || v.value, '', p.id, 'active', false
  FROM unnest(%s::text[]) WITH ORDINALITY AS v(value, n)
  JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM profiles_profile) p ON p.n = v.n
"""
SEED_ORDERS = """
INSERT INTO orders_order (organization_id, identifiers, settled_identifiers, profile_id, provisional, channel_id,
  external_id, number, currency, total_minor, discount_minor, tax_minor, shipping_minor, presentment_currency,
  placed_at, test, channel_status, channel_paid, channel_failed, cancelled, payment_reference, charge_reference,
  customer_name, email_raw, phone_raw, email, phone, region, verified_account, conversation_hint, flags, extra,
  authority, version, rank, digest, status, payment_status, captured_minor, refunded_minor, disputed_minor,
  needs_person, delivery_email, linked_by_staff, address)
SELECT %s, '{}', '{}', p.id, false, %s, 'o' || p.id, '', 'EUR', 4900, 0, 0, 0, '', now(), false, 'pending', true, false,
  false, '', '', p.name, '', '', '', '', 'DE', false, '', '{}', '{}', '2-order', now(), 0, '', 'pending', 'paid', 4900,
  0, 0, '', '', false, v.address::jsonb
  FROM unnest(%s::text[]) WITH ORDINALITY AS v(address, n)
  JOIN (SELECT id, name, row_number() OVER (ORDER BY id) AS n FROM profiles_profile) p ON p.n = v.n
"""


def made_up(count: int, chance: random.Random) -> tuple[list[tuple[str, str, str]], set[tuple[int, int]]]:
    """Names, addresses and mail of so many customers; and by position which two are one person."""
    rows: list[tuple[str, str, str]] = []
    true = set()
    givens, families, roads, towns = (words.split() for words in (GIVEN, FAMILY, ROADS, TOWNS))
    while len(rows) < count:
        given, middle = chance.choice(givens), chance.choice(givens)
        family = chance.choice(families) + chance.choice(families)
        mark = len(rows) * 7919 % 999_983  # no two alike
        home = {
            "street": f"{chance.choice(roads)}{chance.choice(roads).lower()}str. {chance.randrange(1, 200)}",
            "city": chance.choice(towns) + chance.choice(towns).lower() + chance.choice(("hausen", "burg", "dorf", "")),
            "postcode": f"{chance.randrange(100000):05d}",
        }
        rows.append((f"{given} {middle} {family}", json.dumps(home), f"{given}.{family}.{mark}@gmail.com".lower()))
        if len(rows) < count and chance.randrange(TWINS) == 0:
            true.add((len(rows) - 1, len(rows)))
            slip = family[:2] + family[3] + family[2] + family[4:]
            other = {**home, "street": home["street"].replace("str.", "straße")}
            name, mail = chance.choice(
                (
                    (f"{given} {middle} {slip}", f"{given}{family}{mark}@googlemail.com"),
                    (f"{family}, {given}", f"{given}.{family}.{mark}@gmial.com"),
                    (f"{given} {middle[0]}. {slip}", f"hello{mark}x@mail{mark % 97}.example"),
                )
            )
            rows.append((name, json.dumps(other), mail.lower()))
    return rows, true


def searched() -> dict[str, Any]:
    """The whole search over made-up customers in a database, then a look at one batch of changes."""
    with rig.installation():
        from django.db import connection

        from config import databases
        from orders.actions import channels
        from profiles import tenancy
        from profiles.actions import likenesses, organizations
        from profiles.actors import Actor
        from profiles.models import Profile, Suggestion

        by = Actor.system("benchmark")
        organization = organizations.create(
            "bench", name="Bench", currency="EUR", region="DE", timezone="Europe/Berlin", by=by
        )
        rows, true = made_up(ROWS, random.Random(7))
        with tenancy.organization(organization.pk):
            channel = channels.connect(
                organization, kind="api", domain="bench.example", secret="", calls_provider=False, by=by
            )
        with databases.as_owner(), tenancy.organization(organization.pk), connection.cursor() as cursor:
            cursor.execute(SEED_PROFILES, [organization.pk, [name for name, _, _ in rows]])
            cursor.execute(SEED_EMAILS, [organization.pk, [mail for _, _, mail in rows]])
            cursor.execute(SEED_ORDERS, [organization.pk, channel.pk, [home for _, home, _ in rows]])
        with databases.as_owner(), connection.cursor() as cursor:
            cursor.execute("ANALYZE")

        def run() -> tuple[float, Any]:
            began, found = time.perf_counter(), likenesses.Found()
            while True:
                with tenancy.organization(organization.pk):
                    claims = likenesses.claim(500, early=likenesses.QUIET)
                if not claims:
                    return time.perf_counter() - began, found
                with tenancy.organization(organization.pk):
                    found += likenesses.work(claims, organization.pk)

        with tenancy.organization(organization.pk):
            likenesses.request_missing()
        whole, found = run()
        with tenancy.organization(organization.pk):
            ids = list(Profile.objects.order_by("pk").values_list("pk", flat=True))
            where = {pk: position for position, pk in enumerate(ids)}
            open_ones = Suggestion.objects.values_list("low", "high", "band")
            bands = {(where[low], where[high]): band for low, high, band in open_ones}
            Profile.objects.filter(pk__in=ids[:500]).update(name="Renamed Person")
            likenesses.request(organization.pk, ids[:500])
        some, _ = run()
        certain = {pair for pair, band in bands.items() if band == Band.ALMOST_CERTAIN}
        return {
            "customers": len(rows),
            "true_pairs": len(true),
            "compared": found.compared,
            "of_all_pairs": f"{found.compared / (len(rows) * (len(rows) - 1) / 2):.1e}",
            "suggested": len(bands),
            "recall": round(len(true & bands.keys()) / len(true), 4),
            "precision": round(len(true & bands.keys()) / max(len(bands), 1), 4),
            "false_almost_certain": len(certain - true),
            "seconds": round(whole, 1),
            "customers_per_second": round(len(rows) / whole),
            "seconds_for_500_changed": round(some, 2),
        }


def main() -> None:
    rig.emit(
        question="likely same people: how many are found, how many wrongly, how fast",
        febrl={str(number): judged(records.febrl(number)) for number in records.PARTS},
        febrl_3_without_birth_and_number=judged(records.bare(records.febrl(3))),
        made_up=searched(),
        goals="FEBRL 3: recall >= 0.97, precision >= 0.95, false_almost_certain = 0",
    )


if __name__ == "__main__":
    main()
