"""Keep who is likely one person, and the keys by which they are found."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import profiles.tenancy


class Migration(migrations.Migration):
    dependencies = [("profiles", "0009_stream_outbox")]

    operations = [
        migrations.CreateModel(
            name="Likeness",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "digest",
                    models.CharField(
                        blank=True, default="", help_text="Of what was compared; '' before.", max_length=64
                    ),
                ),
                ("due_at", models.DateTimeField(help_text="When to look (again); a claim moves it on.", null=True)),
                ("revision", models.IntegerField(default=1)),
                ("attempts", models.SmallIntegerField(default=0)),
                ("last_error", models.TextField(blank=True, db_default="", default="")),
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
                        related_name="likenesses",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["organization", "due_at"],
                        name="likeness_due",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("organization", "profile"), name="likeness_unique")],
            },
        ),
        migrations.CreateModel(
            name="LikenessKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.BigIntegerField()),
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
                        related_name="likeness_keys",
                        to="profiles.profile",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["organization", "key"], name="likenesskey_of_key"),
                    models.Index(fields=["organization", "profile"], name="likenesskey_of_profile"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Suggestion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("score", models.FloatField()),
                (
                    "band",
                    models.CharField(
                        choices=[("almost_certain", "Almost certain"), ("likely", "Likely"), ("possible", "Possible")],
                        max_length=14,
                    ),
                ),
                ("evidence", models.JSONField(default=list, help_text="Findings: field, one, other, weight, words.")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("dismissed", "Different people"), ("merged", "Merged")],
                        default="open",
                        max_length=9,
                    ),
                ),
                (
                    "found_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("decided_by", models.CharField(blank=True, default="", max_length=200)),
                ("because", models.TextField(blank=True, default="")),
                (
                    "separated",
                    models.BooleanField(default=False, help_text="Whether the decision also said: do not link."),
                ),
                (
                    "high",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suggestions_high",
                        to="profiles.profile",
                    ),
                ),
                (
                    "low",
                    profiles.tenancy.TenantForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suggestions_low",
                        to="profiles.profile",
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
            options={
                "indexes": [
                    models.Index(fields=["organization", "state", "-score", "-id"], name="suggestion_state"),
                    models.Index(fields=["organization", "high"], name="suggestion_of_high"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "low", "high"), name="suggestion_unique"),
                    models.CheckConstraint(
                        condition=models.Q(("low__lt", models.F("high"))), name="suggestion_ordered"
                    ),
                ],
            },
        ),
        profiles.tenancy.Secure("Likeness", "LikenessKey", "Suggestion"),
    ]
