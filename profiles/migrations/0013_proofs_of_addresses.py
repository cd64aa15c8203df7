"""Keep which addresses customers proved, chose for mail, or gave up, in the rows and in their history."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0012_policies_of_an_organization"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="identifier",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="identifier",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="identifier",
            name="preferred_at",
            field=models.DateTimeField(editable=False, help_text="When the customer chose it for mail.", null=True),
        ),
        migrations.AddField(
            model_name="identifier",
            name="retired_at",
            field=models.DateTimeField(
                editable=False,
                help_text="Since when it still recognises the customer, and no mail goes there.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="identifier",
            name="verified_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When the customer proved that it is theirs; the first makes a claim.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="identifierevent",
            name="preferred_at",
            field=models.DateTimeField(editable=False, help_text="When the customer chose it for mail.", null=True),
        ),
        migrations.AddField(
            model_name="identifierevent",
            name="retired_at",
            field=models.DateTimeField(
                editable=False,
                help_text="Since when it still recognises the customer, and no mail goes there.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="identifierevent",
            name="verified_at",
            field=models.DateTimeField(
                editable=False,
                help_text="When the customer proved that it is theirs; the first makes a claim.",
                null=True,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identifier",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "profiles_identifierevent" ("added_by_staff", "because", "created_at", "id", "kind", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "preferred_at", "profile_id", "raw", "retired_at", "set_aside_at", "spelled", "status", "value", "verified_at") VALUES (NEW."added_by_staff", NEW."because", NEW."created_at", NEW."id", NEW."kind", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."preferred_at", NEW."profile_id", NEW."raw", NEW."retired_at", NEW."set_aside_at", NEW."spelled", NEW."status", NEW."value", NEW."verified_at"); RETURN NULL;',
                    hash="6fc61564fb717d29340207be92cec7b213cf9951",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e05e3",
                    table="profiles_identifier",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identifier",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "profiles_identifierevent" ("added_by_staff", "because", "created_at", "id", "kind", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "preferred_at", "profile_id", "raw", "retired_at", "set_aside_at", "spelled", "status", "value", "verified_at") VALUES (OLD."added_by_staff", OLD."because", OLD."created_at", OLD."id", OLD."kind", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."preferred_at", OLD."profile_id", OLD."raw", OLD."retired_at", OLD."set_aside_at", OLD."spelled", OLD."status", OLD."value", OLD."verified_at"); RETURN NULL;',
                    hash="213f3d54526e7b127b553cfd0877c35a4b28ac84",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f6f34",
                    table="profiles_identifier",
                    when="AFTER",
                ),
            ),
        ),
    ]
