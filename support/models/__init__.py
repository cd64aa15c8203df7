"""The desk for care and for finance."""

from support.models.approvals import Approval

__all__ = ["Approval"]
