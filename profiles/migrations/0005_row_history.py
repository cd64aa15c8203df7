"""Keep what rows were before they changed, by triggers, behind the wall like every tenant's row."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import profiles.tenancy


class Migration(migrations.Migration):
    dependencies = [
        ("profiles", "0004_index_by_organization_first"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdentifierEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("phone", "Phone"),
                            ("email", "E-mail"),
                            ("loyalty", "Loyalty id"),
                            ("device", "Device"),
                            ("cookie", "Cookie"),
                            ("phone_raw", "Phone as typed"),
                            ("other", "Other"),
                        ],
                        max_length=12,
                    ),
                ),
                ("value", models.CharField(help_text="Normalised; what matching compares.", max_length=400)),
                ("spelled", models.CharField(help_text="As the snapshot spells it: kind:value.", max_length=420)),
                ("raw", models.CharField(blank=True, default="", help_text="As it was sent.", max_length=400)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Used for matching"), ("shared", "Shared by many"), ("blocked", "Blocked")],
                        default="active",
                        max_length=8,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("added_by_staff", models.BooleanField(default=False)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="MembershipEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("agent", "Support agent"),
                            ("lead", "Support lead"),
                            ("finance", "Finance"),
                            ("engineer", "Platform engineer"),
                            ("auditor", "Auditor (reads only)"),
                        ],
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="identifier",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "profiles_identifierevent" ("added_by_staff", "created_at", "id", "kind", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "profile_id", "raw", "spelled", "status", "value") VALUES (NEW."added_by_staff", NEW."created_at", NEW."id", NEW."kind", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."profile_id", NEW."raw", NEW."spelled", NEW."status", NEW."value"); RETURN NULL;',
                    hash="9fc291c1fce7e3c26d84aff601129747706296d4",
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
                    func='INSERT INTO "profiles_identifierevent" ("added_by_staff", "created_at", "id", "kind", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "profile_id", "raw", "spelled", "status", "value") VALUES (OLD."added_by_staff", OLD."created_at", OLD."id", OLD."kind", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."profile_id", OLD."raw", OLD."spelled", OLD."status", OLD."value"); RETURN NULL;',
                    hash="cb0efa574fb9989e5214c3904543a5414edde51a",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_f6f34",
                    table="profiles_identifier",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."organization_id" IS DISTINCT FROM (NEW."organization_id") OR OLD."role" IS DISTINCT FROM (NEW."role"))',
                    func='INSERT INTO "profiles_membershipevent" ("created_at", "id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role") VALUES (NEW."created_at", NEW."id", NEW."organization_id", NOW(), \'update\', NEW."id", NEW."role"); RETURN NULL;',
                    hash="d4fb8748f7d689a506ca9724c6c5ada8d94977c9",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c9cba",
                    table="profiles_membership",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "profiles_membershipevent" ("created_at", "id", "organization_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role") VALUES (OLD."created_at", OLD."id", OLD."organization_id", NOW(), \'delete\', OLD."id", OLD."role"); RETURN NULL;',
                    hash="0135776376d540e6b5c1daa5a58adbacf7861ed0",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_998ba",
                    table="profiles_membership",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="identifierevent",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="profiles.organization",
            ),
        ),
        migrations.AddField(
            model_name="identifierevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="profiles.identifier",
            ),
        ),
        migrations.AddField(
            model_name="identifierevent",
            name="profile",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="profiles.profile",
            ),
        ),
        migrations.AddField(
            model_name="membershipevent",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="profiles.organization",
            ),
        ),
        migrations.AddField(
            model_name="membershipevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="history",
                to="profiles.membership",
            ),
        ),
        migrations.AddIndex(
            model_name="identifierevent",
            index=models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name="identifierevent_of_row"),
        ),
        migrations.AddIndex(
            model_name="membershipevent",
            index=models.Index(fields=["organization", "pgh_obj", "pgh_created_at"], name="membershipevent_of_row"),
        ),
        profiles.tenancy.Secure("IdentifierEvent", "MembershipEvent", references=False),
    ]
