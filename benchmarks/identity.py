"""What one identifier costs in a batch of 1,000, looked up and resolved safely beside others, as the stored ones grow.

The floor is one unnest join over a table of the same content without row-level security. The index for search by
fragment is left out while the tables are filled: no look-up by value reads it.
"""

import os
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import rig

SIZES = [int(size) for size in os.environ.get("SIZES", "10000,1000000").split(",")]
BATCH = 1000
ONE_BY_ONE = 100
ROUNDS = 21


def main() -> None:
    with rig.installation():
        from django.db import connection, transaction
        from psycopg import Cursor

        from config import databases
        from profiles import tenancy
        from profiles.actions import organizations, owners
        from profiles.actors import Actor
        from profiles.models import Identifier, Profile

        organization = organizations.create(
            "bench", name="Bench", currency="EUR", region="DE", timezone="UTC", by=Actor.system("benchmark")
        )
        with databases.as_owner(), connection.cursor() as cursor:
            cursor.execute(
                "CREATE TABLE floor_identifier (org_id bigint, kind text, value text, profile_id bigint,"
                " PRIMARY KEY (org_id, kind, value));"
                "DROP INDEX identifier_fragment; GRANT ALL ON floor_identifier TO public"
            )
        chance, stored = random.Random(3), 0

        def fill(size: int) -> None:
            nonlocal stored
            _run(_FILL, {"org": organization.pk, "first": stored + 1, "last": size})
            with databases.as_owner(), connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE profiles_identifier, profiles_profile, floor_identifier")
            _run(_WARM, {"org": organization.pk})  # what a server that runs for a day has in memory
            stored = size

        def sample(count: int) -> list[str]:
            """Nine of ten are stored."""
            numbers = {
                chance.randint(1, stored) if chance.random() < 0.9 else stored + chance.randint(1, 10**9)
                for _ in range(count)
            }
            return [f"email:{number:x}@example.org" for number in numbers]

        def floor(keys: list[str]) -> int:
            values = [key[6:] for key in keys]
            rows = Cursor(connection.connection).execute(
                "SELECT i.kind, i.value, i.profile_id FROM unnest(%b::bigint[], %b::text[], %b::text[]) AS q(o, k, v)"
                " JOIN floor_identifier i ON i.org_id = q.o AND i.kind = q.k AND i.value = q.v",
                [[organization.pk] * len(keys), ["email"] * len(keys), values],
            )
            return len({row[:2]: row[2] for row in rows})

        def look_up(keys: list[str]) -> int:
            return len(owners.look_up(keys))

        def resolve(keys: list[str]) -> int:
            """Locked, looked up, owners locked and read again, new customers and identifiers written."""
            owners.lock_keys(sorted(keys))
            batch = owners.load([], sorted(keys), organization)
            for key in keys:
                if key not in batch.owner:
                    profile = Profile(organization=organization)
                    batch.new_profiles.append(profile)
                    kind, _, value = key.partition(":")
                    batch.give(key, profile)
                    batch.new_identifiers[key] = Identifier(
                        organization=organization, kind=kind, value=value, spelled=key, raw=value, profile=profile
                    )
            known = len(batch.owner) - len(batch.new_identifiers)
            owners.flush(batch, [])
            return known

        def one_by_one(keys: list[str]) -> int:
            return sum(Identifier.objects.filter(kind="email", value=key[6:]).exists() for key in keys)

        def timed(act: Callable[[list[str]], int], count: int = BATCH) -> float:
            with tenancy.organization(organization.pk):
                keys = sample(count)
                began = time.perf_counter()
                found = act(keys)
                took = time.perf_counter() - began
                assert 0.7 * len(keys) < found < len(keys), found
                transaction.set_rollback(True)
            return took / len(keys) * 1e6

        figures: dict[int, Any] = {}
        for size in SIZES:
            fill(size)
            found = rig.rounds(
                {
                    "unnest_floor": lambda: timed(floor),
                    "look_up": lambda: timed(look_up),
                    "resolve": lambda: timed(resolve),
                    "one_by_one": lambda: timed(one_by_one, ONE_BY_ONE),
                },
                count=ROUNDS,
            )
            figures[size] = {
                **{name: rig.spread(values) for name, values in found.items()},
                "look_up_to_floor": rig.ratio(found["look_up"], found["unnest_floor"]),
                "resolve_to_floor": rig.ratio(found["resolve"], found["unnest_floor"]),
                "one_by_one_to_look_up": rig.ratio(found["one_by_one"], found["look_up"]),
            }
        first, last = figures[SIZES[0]], figures[SIZES[-1]]
        rig.emit(
            question="microseconds an identifier in a batch of 1,000, under row-level security",
            stored=figures,
            grows={name: round(last[name]["median"] / first[name]["median"], 2) for name in ("look_up", "resolve")},
            goals="look_up <= 1.3 floors; resolve <= 4 floors; one by one >= 30 look-ups; grows <= 2.2",
        )


def _run(statements: Sequence[str], values: dict[str, int]) -> None:
    from django.db import connection

    from config import databases
    from profiles import tenancy

    with databases.as_owner(), tenancy.organization(values["org"]), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values)


_FILL = (
    """INSERT INTO profiles_profile (organization_id, id, name, created_at, strength)
       OVERRIDING SYSTEM VALUE SELECT %(org)s, g, '', now(), 20 FROM generate_series(%(first)s, %(last)s) g""",
    "SELECT setval(pg_get_serial_sequence('profiles_profile', 'id'), %(last)s)",
    """INSERT INTO profiles_identifier
              (organization_id, kind, value, spelled, raw, profile_id, status, added_by_staff, created_at, because)
       SELECT %(org)s, 'email', to_hex(g) || '@example.org', 'email:' || to_hex(g) || '@example.org', '', g, 'active',
              false, now(), '' FROM generate_series(%(first)s, %(last)s) g""",
    """INSERT INTO floor_identifier SELECT %(org)s, 'email', to_hex(g) || '@example.org', g
         FROM generate_series(%(first)s, %(last)s) g""",
)

_WARM = (
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL enable_bitmapscan = off",
    "SET LOCAL max_parallel_workers_per_gather = 0",
    "SELECT sum(length(raw)) FROM profiles_identifier WHERE organization_id = %(org)s AND kind = 'email'",
    "SELECT sum(strength) FROM profiles_profile WHERE organization_id = %(org)s AND id > 0",
    "SELECT sum(profile_id) FROM floor_identifier WHERE org_id = %(org)s AND kind = 'email'",
)

if __name__ == "__main__":
    main()
