"""The peer's process: fills its table, then answers one address a line with what the page took, as JSON."""

import json
import os
import sys
from typing import Any

ROWS = """
CREATE FUNCTION peer_trigrams(t text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(DISTINCT substr(s, i, 3)), '{}')
    FROM (SELECT lower(t) AS s) x, generate_series(1, greatest(length(t) - 2, 0)) AS i
$$;
INSERT INTO peer_order (number, email, phone, total, currency, status, created_at)
SELECT '#' || n, 'buyer' || n || '@' || left(md5(n::text), 8) || '.example', '', 49, 'EUR', 'paid',
       now() - n * interval '30 seconds' FROM generate_series(1, :rows) n;
CREATE INDEX peer_fragment ON peer_order USING gin (peer_trigrams(email));
CREATE INDEX peer_prefix ON peer_order (email text_pattern_ops);
"""


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peer.settings"
    import django

    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client

    from benchmarks.peer import timing

    call_command("migrate", run_syncdb=True, verbosity=0)
    with connection.cursor() as cursor:
        for statement in ROWS.replace(":rows", str(int(sys.argv[1]))).split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        cursor.execute("VACUUM (ANALYZE)")
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.create_superuser("bench"))

    _say({"ready": True})
    for line in sys.stdin:
        _say(timing.page(client, line.strip()))


def _say(told: dict[str, Any]) -> None:
    json.dump(told, sys.stdout)
    sys.stdout.write("\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
