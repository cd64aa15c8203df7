"""Put every table of who behind row-level security, and make the audit log append-only."""

from django.db import migrations

from profiles.tenancy import POLICY, Secure

ORGANIZATION = f"""
ALTER TABLE profiles_organization ENABLE ROW LEVEL SECURITY;
ALTER TABLE profiles_organization FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON profiles_organization USING (id = {POLICY});
"""

APPEND_ONLY = """
CREATE FUNCTION profiles_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit log is append-only.' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON profiles_auditentry
  FOR EACH ROW EXECUTE FUNCTION profiles_refuse_change();
"""

UNDO_APPEND_ONLY = "DROP TRIGGER append_only ON profiles_auditentry; DROP FUNCTION profiles_refuse_change();"


class Migration(migrations.Migration):
    dependencies = [("profiles", "0001_initial")]

    operations = [
        migrations.RunSQL(ORGANIZATION, migrations.RunSQL.noop),
        Secure(
            "Profile",
            "Identifier",
            "Merge",
            "MergeMove",
            "Separation",
            "Review",
            "Membership",
            "ApiToken",
            "IdempotencyKey",
            "AuditEntry",
            "SettlementRequest",
        ),
        migrations.RunSQL(APPEND_ONLY, UNDO_APPEND_ONLY),
    ]
