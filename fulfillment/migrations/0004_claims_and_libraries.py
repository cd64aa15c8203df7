"""Keep invitations, sign-in links, library sessions and changes of address behind the wall."""

import django.db.models.deletion
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0003_row_history"),
        ("orders", "0009_address_as_sent"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.CreateModel(
            name="ClaimRoute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("organization_id", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Unclaimed",
            fields=[],
            options={
                "verbose_name": "unclaimed customer",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("profiles.profile",),
        ),
        migrations.AlterField(
            model_name="downloadlink",
            name="kind",
            field=models.CharField(
                choices=[
                    ("mailed", "Sent by e-mail"),
                    ("temporary", "Given out by staff"),
                    ("library", "Opened in the library"),
                ],
                default="mailed",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="AddressProof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(max_length=320)),
                ("code", models.BinaryField(help_text="Keyed hash of the six digits.", max_length=32)),
                ("tries", models.SmallIntegerField(default=0)),
                ("started_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("proved_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(help_text="When a newer code took its place.", null=True)),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="address_proofs",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "profile", "-started_at"], name="addressproof_of_profile")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("tries__lte", 5)), name="addressproof_tries_within_limit"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("invitation", "Invitation"),
                            ("sign_in", "Sign-in link"),
                            ("auth0", "Sign-in by Auth0"),
                        ],
                        max_length=10,
                    ),
                ),
                ("to", models.CharField(help_text="Where it was mailed.", max_length=320)),
                ("digest", models.BinaryField(max_length=32)),
                ("created_at", models.DateTimeField()),
                (
                    "expires_at",
                    models.DateTimeField(help_text="An invitation lives as long as what was bought.", null=True),
                ),
                ("used_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(help_text="When a newer link took its place.", null=True)),
                (
                    "browser",
                    models.BinaryField(
                        help_text="Hash of the cookie of the browser that asked.", max_length=32, null=True
                    ),
                ),
                (
                    "network",
                    models.CharField(
                        blank=True, default="", help_text="Where it was asked for, coarse.", max_length=45
                    ),
                ),
                ("agent", models.CharField(blank=True, default="", max_length=200)),
                ("remind_at", models.DateTimeField(null=True)),
                (
                    "order",
                    profiles.tenancy.TenantForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claims",
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claims",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "profile", "-created_at"], name="claim_of_profile"),
                    models.Index(fields=["organization", "order"], name="claim_of_order"),
                    models.Index(
                        condition=models.Q(("remind_at__isnull", False)),
                        fields=["organization", "remind_at"],
                        name="claim_reminder_due",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("organization", "digest"), name="claim_unique")],
            },
        ),
        migrations.CreateModel(
            name="EmailChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for the code"),
                            ("confirmed", "Confirmed, veto possible"),
                            ("done", "In effect"),
                            ("vetoed", "Stopped by the customer"),
                            ("replaced", "Replaced by a newer one"),
                            ("expired", "Never confirmed"),
                            ("stopped", "Could not take effect"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("former", models.CharField(blank=True, default="", max_length=320)),
                ("to", models.CharField(max_length=320)),
                ("by_staff", models.BooleanField(default=False)),
                ("started_by", models.CharField(max_length=200)),
                ("reason", models.TextField(blank=True, default="")),
                (
                    "moves_orders",
                    models.BooleanField(default=False, help_text="What is not yet delivered goes there too."),
                ),
                ("code", models.BinaryField(help_text="Keyed hash of the six digits.", max_length=32)),
                ("tries", models.SmallIntegerField(default=0)),
                ("confirm_digest", models.BinaryField(max_length=32)),
                ("veto_digest", models.BinaryField(max_length=32)),
                ("started_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(help_text="Until when the code is taken.")),
                (
                    "due_at",
                    models.DateTimeField(help_text="When something happens by the clock: effect or expiry.", null=True),
                ),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "trouble",
                    models.CharField(blank=True, default="", help_text="Why it could not take effect.", max_length=300),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="email_changes",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "profile", "-started_at"], name="emailchange_of_profile"),
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["organization", "due_at"],
                        name="emailchange_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization", "confirm_digest"), name="emailchange_confirm_unique"
                    ),
                    models.UniqueConstraint(fields=("organization", "veto_digest"), name="emailchange_veto_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("tries__lte", 5)), name="emailchange_tries_within_limit"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LibrarySession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(max_length=32)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("by", models.CharField(help_text="What opened it.", max_length=40)),
                (
                    "network",
                    models.CharField(blank=True, default="", help_text="Where it was opened, coarse.", max_length=45),
                ),
                ("agent", models.CharField(blank=True, default="", max_length=200)),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="library_sessions",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "profile", "-started_at"], name="librarysession_of_profile")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "digest"), name="librarysession_unique")
                ],
            },
        ),
        Secure("Claim", "LibrarySession", "AddressProof", "EmailChange"),
    ]
