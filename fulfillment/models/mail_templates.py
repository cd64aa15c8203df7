"""An organization's own words for the mails to its customers, every version kept."""

from django.db import models

from profiles.models import Tenant


class MailTemplate(Tenant):
    """One version of one mail in one language; the newest counts, and without a body it is the built-in words."""

    template = models.CharField(max_length=20)
    language = models.CharField(max_length=8)
    version = models.IntegerField()
    subject = models.CharField(max_length=200, blank=True, default="")
    body = models.TextField(blank=True, default="")
    by = models.CharField(max_length=200)
    because = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    unusable_at = models.DateTimeField(null=True, help_text="When a mail first went out in the built-in words instead.")

    class Meta:
        verbose_name = "mail template"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "template", "language", "version"], name="mailtemplate_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} ({self.language}), version {self.version}"
