"""Keep what each store gave of each file, downloads of everything at once and by staff, and links made anew."""

import django.db.models.deletion
from django.db import migrations, models

import profiles.tenancy
from profiles.tenancy import Secure


class Migration(migrations.Migration):
    dependencies = [
        ("fulfillment", "0007_workers_that_died_of_mail"),
        ("orders", "0010_refund_requests"),
        ("profiles", "0013_proofs_of_addresses"),
    ]

    operations = [
        migrations.CreateModel(
            name="Renewal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "why",
                    models.CharField(
                        choices=[("outage", "Links made anew"), ("version", "New version offered")], max_length=10
                    ),
                ),
                ("effect_key", models.CharField(help_text="Also of its mail: each goes out once.", max_length=160)),
                (
                    "before",
                    models.DateTimeField(
                        help_text="Mailed links made before this die with it; empty: none does.", null=True
                    ),
                ),
                ("due_at", models.DateTimeField(help_text="Empty once it is done.", null=True)),
                ("outcome", models.CharField(blank=True, default="", max_length=300)),
            ],
        ),
        migrations.AddField(
            model_name="asset",
            name="fault",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="What is wrong with it; '' if nothing.", max_length=700
            ),
        ),
        migrations.AddField(
            model_name="asset",
            name="verdicts",
            field=models.JSONField(
                db_default={}, default=dict, help_text="What each store gave when it was last read: Verdict."
            ),
        ),
        migrations.AddField(
            model_name="asset",
            name="verified_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="asset",
            name="verify_at",
            field=models.DateTimeField(
                help_text="When every store is read next; nothing while none is due.", null=True
            ),
        ),
        migrations.AddField(
            model_name="asset",
            name="withdrawn",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Taken back: nobody is given it again."
            ),
        ),
        migrations.AddField(
            model_name="downloadsession",
            name="staff",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Who of the desk opened it as the customer would; else ''.",
                max_length=200,
            ),
        ),
        migrations.AlterField(
            model_name="downloadlink",
            name="kind",
            field=models.CharField(
                choices=[
                    ("mailed", "Sent by e-mail"),
                    ("temporary", "Given out by staff"),
                    ("library", "Opened in the library"),
                    ("staff", "Opened by staff"),
                ],
                default="mailed",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="downloadsession",
            name="asset",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                help_text="Empty: every current file as one zip.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="fulfillment.asset",
            ),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(
                condition=models.Q(("verify_at__isnull", False)),
                fields=["organization", "verify_at"],
                name="asset_to_verify",
            ),
        ),
        migrations.AddIndex(
            model_name="asset",
            index=models.Index(
                condition=models.Q(("fault", ""), _negated=True),
                fields=["organization", "-created_at"],
                name="asset_at_fault",
            ),
        ),
        migrations.AddField(
            model_name="renewal",
            name="entitlement",
            field=profiles.tenancy.TenantForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="renewals",
                to="fulfillment.entitlement",
            ),
        ),
        migrations.AddField(
            model_name="renewal",
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
        migrations.AddIndex(
            model_name="renewal",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["organization", "due_at"], name="renewal_due"
            ),
        ),
        migrations.AddIndex(
            model_name="renewal",
            index=models.Index(fields=["organization", "entitlement"], name="renewal_of_entitlement"),
        ),
        migrations.AddConstraint(
            model_name="renewal",
            constraint=models.UniqueConstraint(fields=("organization", "effect_key"), name="renewal_unique"),
        ),
        Secure("Renewal"),
    ]
