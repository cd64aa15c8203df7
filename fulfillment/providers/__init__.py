"""The mail providers: one line each says which Django backend opens the connection; that is all it takes."""

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
