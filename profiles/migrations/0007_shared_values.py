"""Values that many people share belong to nobody; which facts bear which identifier is written down."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import profiles.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0006_audit_by_action_and_actor"),
    ]

    operations = [
        migrations.CreateModel(
            name="Sighting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(help_text="As facts bear it: email:a@example.com.", max_length=420)),
                ("fact", models.CharField(help_text="app.Model of the fact.", max_length=60)),
                ("fact_id", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "others",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        default=list,
                        help_text="The other strong identifiers of the fact.",
                        size=None,
                    ),
                ),
            ],
        ),
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
            name="because",
            field=models.CharField(blank=True, default="", help_text="Why it joins nobody.", max_length=300),
        ),
        migrations.AddField(
            model_name="identifier",
            name="set_aside_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="identifierevent",
            name="because",
            field=models.CharField(blank=True, default="", help_text="Why it joins nobody.", max_length=300),
        ),
        migrations.AddField(
            model_name="identifierevent",
            name="set_aside_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="organization",
            name="identity",
            field=models.JSONField(
                blank=True, default=dict, help_text="What differs from the usual rules of identity (profiles/rules.py)."
            ),
        ),
        migrations.AlterField(
            model_name="identifier",
            name="profile",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                help_text="Nobody, where the value is shared or blocked.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="identifiers",
                to="profiles.profile",
            ),
        ),
        migrations.AlterField(
            model_name="identifierevent",
            name="profile",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                help_text="Nobody, where the value is shared or blocked.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="profiles.profile",
            ),
        ),
        migrations.AlterField(
            model_name="review",
            name="kind",
            field=models.CharField(
                choices=[
                    ("too_many", "More than three customers match"),
                    ("separated", "Matches customers that must not be linked"),
                    ("after_undo", "Fits both sides of an undone merge"),
                    ("conflict", "Two loyalty ids of one programme"),
                    ("shared", "A value that many people share"),
                ],
                max_length=12,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identifier",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "profiles_identifierevent" ("added_by_staff", "because", "created_at", "id", "kind", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "profile_id", "raw", "set_aside_at", "spelled", "status", "value") VALUES (NEW."added_by_staff", NEW."because", NEW."created_at", NEW."id", NEW."kind", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."profile_id", NEW."raw", NEW."set_aside_at", NEW."spelled", NEW."status", NEW."value"); RETURN NULL;',
                    hash="ccf61f1fdd6cdd52ecea97e8953035f3e843f53c",
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
                    func='INSERT INTO "profiles_identifierevent" ("added_by_staff", "because", "created_at", "id", "kind", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "profile_id", "raw", "set_aside_at", "spelled", "status", "value") VALUES (OLD."added_by_staff", OLD."because", OLD."created_at", OLD."id", OLD."kind", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."profile_id", OLD."raw", OLD."set_aside_at", OLD."spelled", OLD."status", OLD."value"); RETURN NULL;',
                    hash="143af4b51144b39a55b341643eed38a549455091",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f6f34",
                    table="profiles_identifier",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="sighting",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="profiles.organization",
            ),
        ),
        migrations.AddConstraint(
            model_name="sighting",
            constraint=models.UniqueConstraint(
                fields=("organization", "key", "fact", "fact_id"), name="sighting_unique"
            ),
        ),
        profiles.tenancy.Secure("Sighting"),
        migrations.AddIndex(
            model_name="identifier",
            index=models.Index(
                condition=models.Q(("set_aside_at__isnull", False)),
                fields=["organization", "-set_aside_at", "-id"],
                name="identifier_set_aside",
            ),
        ),
    ]
