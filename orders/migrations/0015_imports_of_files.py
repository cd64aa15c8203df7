"""Keep imported files, what became of each row, and column mappings; let files name the orders of a payout."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0014_find_what_waits_and_count_months"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="booked",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Its money counts in the ledger; off where that is booked.",
            ),
        ),
        migrations.AddField(
            model_name="payout",
            name="order_external_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                blank=True,
                default=list,
                help_text="Orders that a file names as paid out.",
                size=None,
            ),
        ),
        migrations.CreateModel(
            name="ColumnMapping",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("mode", models.CharField(choices=[("orders", "Orders"), ("payouts", "Payouts")], max_length=7)),
                ("columns", models.JSONField(default=dict, help_text="Our field to their heading.")),
                ("decimals", models.CharField(default="point", max_length=7)),
                ("dates", models.CharField(default="ISO", max_length=3)),
                ("encoding", models.CharField(blank=True, default="", max_length=20)),
                ("delimiter", models.CharField(blank=True, default="", max_length=1)),
                ("statuses", models.JSONField(default=dict, help_text="Their word to ours.")),
                (
                    "silent",
                    models.CharField(
                        default="paid", help_text="What a file without a status column means.", max_length=10
                    ),
                ),
                ("changed_at", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="profiles.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Import",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mode", models.CharField(choices=[("orders", "Orders"), ("payouts", "Payouts")], max_length=7)),
                (
                    "record",
                    models.CharField(
                        choices=[
                            ("net", "Gross and fees"),
                            ("gross", "Gross alone"),
                            ("none", "Nothing: booked from elsewhere"),
                        ],
                        default="net",
                        max_length=5,
                    ),
                ),
                (
                    "mail",
                    models.BooleanField(default=False, help_text="Buyers get their mail as if they had bought now."),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asking", "Needs an answer"),
                            ("reading", "Being checked"),
                            ("checked", "Checked, not imported"),
                            ("taking", "Being imported"),
                            ("done", "Imported"),
                            ("refused", "Refused"),
                            ("undoing", "Being undone"),
                            ("undone", "Undone"),
                            ("discarded", "Discarded"),
                        ],
                        max_length=10,
                    ),
                ),
                ("filename", models.CharField(max_length=255)),
                ("size", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("declared", models.JSONField(default=dict)),
                ("recipe", models.JSONField(default=dict)),
                (
                    "headings",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                ("preview", models.JSONField(default=list, help_text="The first rows as they are read.")),
                ("refusal", models.TextField(blank=True, default="")),
                ("version", models.DateTimeField()),
                ("position", models.BigIntegerField(default=0)),
                ("rows", models.IntegerField(default=0)),
                ("fresh", models.IntegerField(default=0)),
                ("updated", models.IntegerField(default=0)),
                ("same", models.IntegerField(default=0)),
                ("conflicts", models.IntegerField(default=0)),
                ("rejected", models.IntegerField(default=0)),
                ("withdrawn", models.IntegerField(default=0, help_text="Orders and payouts an undo took back.")),
                ("kept", models.IntegerField(default=0, help_text="What an undo had to leave as it is.")),
                ("by", models.CharField(max_length=200)),
                ("by_user_id", models.BigIntegerField(null=True)),
                ("attempts", models.SmallIntegerField(default=0)),
                ("last_error", models.TextField(blank=True, default="")),
                ("due_at", models.DateTimeField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(null=True)),
                ("undone_at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "channel",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="orders.channel",
                    ),
                ),
                (
                    "mapping",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="orders.columnmapping",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="profiles.organization",
                    ),
                ),
                (
                    "repeats",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="repeated_by",
                        to="orders.import",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ImportPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.IntegerField()),
                ("content", models.BinaryField()),
                (
                    "imported",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="orders.import",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="profiles.organization",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ImportRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.BigIntegerField()),
                ("key", models.CharField(blank=True, default="", max_length=255)),
                (
                    "cells",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("update", "Updated"),
                            ("same", "Known"),
                            ("conflict", "Conflict"),
                            ("reject", "Rejected"),
                        ],
                        max_length=8,
                    ),
                ),
                ("reason", models.TextField(blank=True, default="")),
                ("kept", models.TextField(blank=True, default="", help_text="Why an undo left it as it is.")),
                (
                    "imported",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="row_set",
                        to="orders.import",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="profiles.organization",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="columnmapping",
            constraint=models.UniqueConstraint(fields=("organization", "name"), name="columnmapping_unique"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["organization", "due_at"], name="import_due"
            ),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "-created_at", "-id"], name="import_newest"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "state", "-created_at"], name="import_state"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "sha256"], name="import_content"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["organization", "channel", "-version"], name="import_of_channel"),
        ),
        migrations.AddConstraint(
            model_name="importpart",
            constraint=models.UniqueConstraint(fields=("organization", "imported", "number"), name="importpart_unique"),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(fields=["organization", "imported", "key"], name="importrow_of_key"),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(
                condition=models.Q(("outcome__in", ["conflict", "reject"])),
                fields=["organization", "imported", "line"],
                name="importrow_odd",
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(fields=["organization", "key"], name="importrow_key"),
        ),
        migrations.AddConstraint(
            model_name="importrow",
            constraint=models.UniqueConstraint(fields=("organization", "imported", "line"), name="importrow_unique"),
        ),
        Secure("ColumnMapping", "Import", "ImportPart", "ImportRow"),
    ]
