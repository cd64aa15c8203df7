"""Make the trigrams of a text in a loop: the same set, three to seven times as fast as by a query for each text.

Each new customer, identifier and order asks for them, an order again with every change of it. Repetitions stay in: the
index and `@>` take them as one.
"""

from django.db import migrations

LOOP = r"""
CREATE OR REPLACE FUNCTION profiles_trigrams(organization bigint, t text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
DECLARE
  s text := lower(t);
  lead text := organization || ':';
  found text[] := '{}';
BEGIN
  FOR i IN 1 .. coalesce(length(t), 0) - 2 LOOP
    found := found || (lead || substr(s, i, 3));
  END LOOP;
  RETURN found;
END $$;
"""

QUERY = r"""
CREATE OR REPLACE FUNCTION profiles_trigrams(organization bigint, t text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
  SELECT coalesce(array_agg(DISTINCT organization || ':' || substr(s, i, 3)), '{}')
    FROM (SELECT lower(t) AS s) x, generate_series(1, greatest(length(t) - 2, 0)) AS i
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("profiles", "0015_events_of_a_funnel")]

    operations = [migrations.RunSQL(LOOP, QUERY)]
