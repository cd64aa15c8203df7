"""Find customers by any fragment of an identifier or name, behind the wall and by an index.

Row-level security keeps LIKE and array operators from using an index, because they could leak through an error. So the
search is one SECURITY DEFINER function that names the organization itself. Where migrations run under a role that may
become the bypassing one, the function belongs to that; else it is merely slower. Each trigram begins with the
organization, so the index does too.
"""

from django.db import migrations

TRIGRAMS = r"""
CREATE FUNCTION profiles_trigrams(organization bigint, t text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
  SELECT coalesce(array_agg(DISTINCT organization || ':' || substr(s, i, 3)), '{}')
    FROM (SELECT lower(t) AS s) x, generate_series(1, greatest(length(t) - 2, 0)) AS i
$$;
CREATE FUNCTION profiles_like(fragment text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
  SELECT '%' || replace(replace(replace(lower(fragment), '\', '\\'), '%', '\%'), '_', '\_') || '%'
$$;
CREATE FUNCTION profiles_own(signature text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'aftersale_bypass')
     AND pg_has_role(current_user, 'aftersale_bypass', 'MEMBER') THEN
    EXECUTE 'GRANT CREATE ON SCHEMA public TO aftersale_bypass';
    EXECUTE 'ALTER FUNCTION ' || signature || ' OWNER TO aftersale_bypass';
    EXECUTE 'REVOKE CREATE ON SCHEMA public FROM aftersale_bypass';
  END IF;
END $$;
REVOKE ALL ON FUNCTION profiles_own(text) FROM PUBLIC;
"""

SEARCH = r"""
CREATE INDEX identifier_fragment ON profiles_identifier USING gin (profiles_trigrams(organization_id, value));
CREATE INDEX profile_fragment ON profiles_profile USING gin (profiles_trigrams(organization_id, name));
CREATE FUNCTION profiles_search(fragment text, at_most int) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  WITH me AS (SELECT nullif(current_setting('app.organization_id', true), '')::bigint AS organization_id)
  (SELECT i.profile_id FROM profiles_identifier i, me
    WHERE i.organization_id = me.organization_id
      AND profiles_trigrams(i.organization_id, i.value) @> profiles_trigrams(me.organization_id, fragment)
      AND lower(i.value) LIKE profiles_like(fragment) LIMIT at_most)
  UNION
  (SELECT p.id FROM profiles_profile p, me
    WHERE p.organization_id = me.organization_id AND p.merged_into_id IS NULL
      AND profiles_trigrams(p.organization_id, p.name) @> profiles_trigrams(me.organization_id, fragment)
      AND lower(p.name) LIKE profiles_like(fragment) LIMIT at_most)
  LIMIT at_most
$$;
SELECT profiles_own('profiles_search(text, int)');
"""

UNDO = """
DROP FUNCTION profiles_search(text, int);
DROP INDEX identifier_fragment; DROP INDEX profile_fragment;
DROP FUNCTION profiles_own(text); DROP FUNCTION profiles_like(text); DROP FUNCTION profiles_trigrams(bigint, text);
"""


class Migration(migrations.Migration):
    dependencies = [("profiles", "0002_wall_between_organizations")]

    operations = [migrations.RunSQL(TRIGRAMS + SEARCH, UNDO)]
