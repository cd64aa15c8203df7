"""Putting discrepancies right."""


def all_safe(row):
    return {}
