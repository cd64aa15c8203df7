"""The desk for care and for finance."""
