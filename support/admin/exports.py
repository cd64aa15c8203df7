"""Tables as a file to keep: CSV or XLSX, harmless to open, never kept by a cache."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.http import HttpResponse

from support import spreadsheets

KINDS = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def answer(name: str, kind: str, sheets: Mapping[str, Iterable[Sequence[Any]]]) -> HttpResponse:
    """The tables under this name, without its ending."""
    if kind == "xlsx":
        found = HttpResponse(spreadsheets.workbook(sheets), content_type=XLSX)
    else:
        found = HttpResponse("\ufeff" + spreadsheets.tables(sheets), content_type="text/csv; charset=utf-8")
    found["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    found["Cache-Control"] = "no-store"
    return found
