"""The mail providers: one line each says which Django backend opens the connection, another how people call it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

PROVIDERS: Final = MappingProxyType(
    {
        "smtp": "fulfillment.providers.smtp.Connection",
        "ses": "anymail.backends.amazon_ses.EmailBackend",
        "postmark": "anymail.backends.postmark.EmailBackend",
        "mailgun": "anymail.backends.mailgun.EmailBackend",
        "resend": "anymail.backends.resend.EmailBackend",
        "sendgrid": "anymail.backends.sendgrid.EmailBackend",
        "novu": "fulfillment.providers.novu.Connection",
        "listmonk": "fulfillment.providers.listmonk.Connection",
    }
)
LABELS: Final = MappingProxyType(
    {
        "smtp": "Mail server (SMTP)",
        "ses": "Amazon SES",
        "postmark": "Postmark",
        "mailgun": "Mailgun",
        "resend": "Resend",
        "sendgrid": "SendGrid",
        "novu": "Novu",
        "listmonk": "Listmonk",
    }
)
