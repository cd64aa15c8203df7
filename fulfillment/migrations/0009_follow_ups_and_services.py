"""Keep what is written after a purchase, own words for mails, and what was bought as a service."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0008_files_that_are_verified_and_links_made_anew"),
        ("orders", "0010_refund_requests"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.CreateModel(
            name="PageRoute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("organization_id", models.BigIntegerField()),
                ("email_id", models.BigIntegerField(null=True)),
                ("service_id", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="Followup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_key", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("reminder", "Download reminder"),
                            ("checkin", "Check-in"),
                            ("review", "Request for a review"),
                            ("cross_sell", "Cross-sell"),
                            ("upsell", "Upsell"),
                            ("kickoff", "Kick-off"),
                            ("intake", "Intake reminder"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Planned"),
                            ("sent", "Sent"),
                            ("stopped", "Stopped"),
                            ("skipped", "Not needed"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                (
                    "why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("refunded", "Refunded, cancelled or disputed"),
                            ("withdrawn", "Access was withdrawn"),
                            ("replied", "The customer wrote to us"),
                            ("unsubscribed", "The customer wants no such mail"),
                            ("bounced", "Mail to the address came back"),
                            ("staff", "Stopped by a person"),
                            ("switched_off", "Switched off"),
                            ("downloaded", "Downloaded already"),
                            ("never_fetched", "Never downloaded"),
                            ("reminded", "Reminded already"),
                            ("no_offer", "No product chosen to offer"),
                            ("owned", "Owned already"),
                            ("answered", "Nothing left to fill in"),
                            ("no_address", "No usable address"),
                        ],
                        default="",
                        max_length=14,
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True, default="", help_text="Who stopped it, and the reason given.", max_length=300
                    ),
                ),
                ("planned_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(help_text="When it was sent, stopped or passed over.", null=True)),
                (
                    "email",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="fulfillment.email",
                    ),
                ),
                (
                    "line",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="orders.line",
                    ),
                ),
                (
                    "order",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="followups",
                        to="orders.order",
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
                    "profile",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="followups",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "verbose_name": "follow-up",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["organization", "due_at"], name="followup_due"
                    ),
                    models.Index(fields=["organization", "-due_at", "-id"], name="followup_newest"),
                    models.Index(fields=["organization", "state", "-due_at"], name="followup_state"),
                    models.Index(fields=["organization", "order"], name="followup_of_order"),
                    models.Index(fields=["organization", "profile", "-due_at"], name="followup_of_profile"),
                ],
                "constraints": [models.UniqueConstraint(fields=("organization", "source_key"), name="followup_unique")],
            },
        ),
        migrations.CreateModel(
            name="IntakeForm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("questions", models.JSONField(default=list)),
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
                    "product",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="intake_forms",
                        to="orders.product",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization", "product"), name="intakeform_unique")],
            },
        ),
        migrations.CreateModel(
            name="MailTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("template", models.CharField(max_length=20)),
                ("language", models.CharField(max_length=8)),
                ("version", models.IntegerField()),
                ("subject", models.CharField(blank=True, default="", max_length=200)),
                ("body", models.TextField(blank=True, default="")),
                ("by", models.CharField(max_length=200)),
                ("because", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField()),
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
            options={
                "verbose_name": "mail template",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "template", "language", "version"), name="mailtemplate_unique"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Offer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("cross_sell", "Cross-sell"), ("upsell", "Upsell")], max_length=10)),
                ("url", models.CharField(help_text="Where it can be bought.", max_length=500)),
                (
                    "offered",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="orders.product",
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
                    "product",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="offers",
                        to="orders.product",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "product", "kind"), name="offer_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="Service",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_key", models.CharField(max_length=80)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("intake", "Waiting for the intake form"),
                            ("ready", "Ready to start"),
                            ("started", "Started"),
                            ("done", "Done"),
                            ("ended", "Refunded or cancelled"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "answers",
                    models.JSONField(default=list, help_text="Each question as it was asked, with its answer."),
                ),
                ("answered_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                (
                    "line",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="orders.line",
                    ),
                ),
                (
                    "order",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="services",
                        to="orders.order",
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
                    "product",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="orders.product",
                    ),
                ),
                (
                    "profile",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="services",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "-created_at", "-id"], name="service_newest"),
                    models.Index(fields=["organization", "state", "-created_at"], name="service_state"),
                    models.Index(fields=["organization", "order"], name="service_of_order"),
                    models.Index(fields=["organization", "profile", "-created_at"], name="service_of_profile"),
                ],
                "constraints": [models.UniqueConstraint(fields=("organization", "source_key"), name="service_unique")],
            },
        ),
        migrations.AlterField(
            model_name="email",
            name="template",
            field=models.CharField(
                choices=[
                    ("receipt", "Receipt"),
                    ("delivery", "Delivery"),
                    ("claim", "Claim"),
                    ("reminder", "Reminder"),
                    ("refund", "Refund"),
                    ("cancellation", "Cancellation"),
                    ("email_change", "Change of address"),
                    ("followup", "Follow-up"),
                    ("test", "Test to a colleague"),
                ],
                max_length=14,
            ),
        ),
        Secure("Followup", "Offer", "MailTemplate", "IntakeForm", "Service"),
    ]
