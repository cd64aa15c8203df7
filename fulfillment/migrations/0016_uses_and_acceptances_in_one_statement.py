"""Find what a link gives, count one use of it with its session, and note that a mail was taken: each one statement."""

from django.db import migrations

GIVES = """
CREATE FUNCTION fulfillment_gives(
  l fulfillment_downloadlink, e fulfillment_entitlement, p_at timestamptz
) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT l.revoked_at IS NULL AND l.expires_at > p_at AND (l.use_limit IS NULL OR l.uses < l.use_limit)
     AND e.status IN ('pending_claim', 'active') AND (e.expires_at IS NULL OR e.expires_at > p_at)
$$;
"""

FIND = """
CREATE FUNCTION fulfillment_find_files(p_digest bytea, p_offset interval) RETURNS TABLE (
  organization bigint, link bigint, entitled_at timestamptz, store_in_trouble boolean,
  file bigint, file_format text, file_path text, file_size bigint, file_sha256 text,
  is_in_second boolean, is_current boolean, is_withdrawn boolean, file_created_at timestamptz, file_verdicts jsonb
) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  former text := coalesce(current_setting('app.organization_id', true), '');
  here timestamptz := clock_timestamp() + p_offset; -- a value: with a call in its place the rule is not inlined
  routed fulfillment_linkroute;
  own text;
BEGIN
  SELECT * INTO routed FROM fulfillment_linkroute r WHERE r.digest = p_digest;
  IF routed.link_id IS NULL THEN RETURN; END IF;
  own := set_config('app.organization_id', routed.organization_id::text, true);
  RETURN QUERY
    SELECT l.organization_id, l.id, e.created_at,
           EXISTS (SELECT FROM fulfillment_circuit c WHERE c.provider LIKE 'store:%'
                      AND (c.failures > 0 OR c.opened_at IS NOT NULL OR c.rested_until IS NOT NULL)),
           a.id, a.format::text, a.path::text, a.size, a.sha256::text,
           a.in_second, a.current, a.withdrawn, a.created_at, a.verdicts
      FROM fulfillment_downloadlink l
      JOIN fulfillment_entitlement e ON e.id = l.entitlement_id
      JOIN fulfillment_asset a ON a.product_id = e.product_id
     WHERE l.id = routed.link_id AND fulfillment_gives(l, e, here)
     ORDER BY a.format, a.created_at DESC, a.id DESC;
  -- A caller's own transaction goes on in the context it had.
  own := set_config('app.organization_id', former, true);
END $$;
"""

COUNT = """
CREATE FUNCTION fulfillment_count_use(
  p_organization bigint, p_link bigint, p_asset bigint, p_digest bytea, p_network text, p_agent text,
  p_lasts interval, p_an_hour integer, p_offset interval
) RETURNS TABLE (verdict text, unreached bigint) LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  former text := coalesce(current_setting('app.organization_id', true), '');
  own text := set_config('app.organization_id', p_organization::text, true);
  here timestamptz := clock_timestamp() + p_offset;
BEGIN
  -- Check and count are one update, so that the last use goes to exactly one of many.
  WITH used AS (
    UPDATE fulfillment_downloadlink l SET uses = l.uses + 1 FROM fulfillment_entitlement e
     WHERE l.id = p_link AND e.id = l.entitlement_id AND fulfillment_gives(l, e, here)
       AND (SELECT count(*) FROM fulfillment_downloadsession s
             WHERE s.link_id = p_link AND s.started_at > here - interval '1 hour') < p_an_hour
    RETURNING e.order_id
  ), opened AS (
    INSERT INTO fulfillment_downloadsession
      (organization_id, link_id, asset_id, digest, started_at, expires_at, address, agent, requests)
    SELECT p_organization, p_link, p_asset, p_digest, here, here + p_lasts, p_network, p_agent, 0 FROM used
    RETURNING id
  ), routed AS (
    INSERT INTO fulfillment_linkroute (digest, organization_id, session_id)
    SELECT p_digest, p_organization, id FROM opened
  )
  SELECT 'counted', o.order_id INTO verdict, unreached
    FROM used LEFT JOIN fulfillment_reach o ON o.order_id = used.order_id AND o.why <> '';
  IF verdict IS NULL THEN
    SELECT CASE WHEN fulfillment_gives(l, e, here) THEN 'too often' ELSE 'refused' END INTO verdict
      FROM fulfillment_downloadlink l JOIN fulfillment_entitlement e ON e.id = l.entitlement_id WHERE l.id = p_link;
  END IF;
  -- A caller's own transaction goes on in the context it had.
  own := set_config('app.organization_id', former, true);
  RETURN NEXT;
END $$;
"""

NOTE = """
CREATE FUNCTION fulfillment_note_accepted(
  p_organization bigint, p_email bigint, p_provider text, p_name text, p_offset interval
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  former text := coalesce(current_setting('app.organization_id', true), '');
  own text := set_config('app.organization_id', p_organization::text, true);
BEGIN
  UPDATE fulfillment_email
     SET done_at = clock_timestamp() + p_offset, provider = p_provider, provider_message_id = p_name
   WHERE organization_id = p_organization AND id = p_email AND state = 'claimed';
  own := set_config('app.organization_id', former, true);
  RETURN FOUND;
END $$;
"""

# Checking the reference would lock the one file's row for everybody who fetches it at once. The id was read a moment
# before, a file goes only with its product, and a session lives for half an hour.
UNLOCK = """
ALTER TABLE fulfillment_downloadsession DROP CONSTRAINT IF EXISTS fulfillment_downloadsession_asset_id_tenant_fk
"""


class Migration(migrations.Migration):
    dependencies = [("fulfillment", "0015_followups_of_gifts")]

    operations = [
        migrations.RunSQL(UNLOCK, migrations.RunSQL.noop),
        migrations.RunSQL(
            GIVES,
            "DROP FUNCTION fulfillment_gives(fulfillment_downloadlink, fulfillment_entitlement, timestamptz)",
        ),
        migrations.RunSQL(FIND, "DROP FUNCTION fulfillment_find_files"),
        migrations.RunSQL(COUNT, "DROP FUNCTION fulfillment_count_use"),
        migrations.RunSQL(NOTE, "DROP FUNCTION fulfillment_note_accepted"),
    ]
