"""The desk for care and for finance: what it remembers of its own work."""

from support.models.alerts import Alert, AlertNotice

__all__ = ["Alert", "AlertNotice"]
