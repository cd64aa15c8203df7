"""Rows as CSV (RFC 4180) or XLSX that a spreadsheet opens without running any of it."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook

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


def tables(sheets: Mapping[str, Iterable[Sequence[Any]]]) -> str:
    """Several tables in one file, which CSV has no word for: each below a line with its name."""
    found: list[Sequence[Any]] = []
    for title, table in sheets.items():
        found += [[title], *table, []]
    return rows(found)


def workbook(sheets: Mapping[str, Iterable[Sequence[Any]]]) -> bytes:
    """One sheet for each name, the first row of each as its head; numbers as numbers, texts never as formulas."""
    out = io.BytesIO()
    book = Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    head = book.add_format({"bold": True})
    for name, found in sheets.items():
        sheet = book.add_worksheet(name[:31])
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(found):
            for column, value in enumerate(row):
                if isinstance(value, int | Decimal) and not isinstance(value, bool):
                    sheet.write_number(number, column, value)
                else:
                    sheet.write_string(number, column, cell(value), head if number == 0 else None)
        sheet.autofit()
    book.close()
    return out.getvalue()
