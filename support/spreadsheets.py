"""Rows as CSV (RFC 4180) that a spreadsheet opens without running any of it."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

# A cell that begins so is a formula to a spreadsheet, or becomes one after it trimmed the cell.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: Any) -> str:
    """The value as text, harmless: what would be read as a formula is led by an apostrophe."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULAS) else text


def rows(found: Iterable[Sequence[Any]]) -> str:
    """Lines ending in CR LF, cells quoted where they must be."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([cell(value) for value in row] for row in found)
    return out.getvalue()
