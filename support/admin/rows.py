"""Draws the rows of a list: what is the same in every row is put together once, and each row takes one formatting.

The look is unfold's, class by class (`unfold.templatetags.unfold_list`), which asks for every cell anew how its column
is called, found and shown.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import display_for_value, lookup_field
from django.urls import NoReverseMatch, reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from unfold.admin import checkbox
from unfold.templatetags.unfold_list import CHECKBOX_CLASSES, LINK_CLASSES, ROW_CLASSES, result_headers

CHECKBOX = "action_checkbox"
# Stands for the key of a row in an address that is made once.
KEY = "-key-"
BEGIN = (
    '<tbody class="block relative lg:table-row-group {stripe}" x-data="{{{{rowOpen: false}}}}">'
    '<tr class="data-row block border border-base-200 mb-3 relative rounded-default lg:table-row lg:border-none lg:mb-0'
    ' lg:rounded-none dark:border-base-800">'
)
END = "</tr></tbody>"
STRIPES = ("", "bg-base-50 dark:bg-white/[.02]")


def headers(changelist: Any) -> list[dict[str, Any]]:
    """What stands above the columns."""
    return list(result_headers(changelist))


def drawn(changelist: Any, above: list[dict[str, Any]]) -> Iterator[SafeString]:
    """Every row of the page, given the headers of its columns."""
    names = list(changelist.list_display)
    admin = changelist.model_admin
    shown = {place: _shown(name, admin) for place, name in enumerate(names) if name != CHECKBOX}
    before, after = _address(changelist)
    linked = [before + after != "" and _leads(changelist, name, first=not number) for number, name in enumerate(names)]
    labels = [above[number]["text"] if number or linked[0] else "Select record" for number in range(len(names))]
    cells = zip(map(_named, names), (literal(escape(label)) for label in labels), linked, strict=True)
    patterns = _patterns(tuple(cells))
    for number, row in enumerate(changelist.result_list):
        values = {f"c{place}": show(row) for place, show in shown.items()}
        yield format_html(patterns[number % 2], pk=row.pk, url=f"{before}{row.pk}{after}", **values)


def _shown(name: Any, model_admin: Any) -> Callable[[Any], Any]:
    """How the value of a column is found and written."""
    empty = model_admin.get_empty_value_display()
    own = name if callable(name) else getattr(model_admin, name, None)
    find = own if callable(own) else (lambda row: lookup_field(name, row, model_admin)[2])

    def show(row: Any) -> Any:
        value = find(row)
        return value if isinstance(value, str) else display_for_value(value, empty)

    return show


def _address(changelist: Any) -> tuple[str, str]:
    """What stands before and after the key in the address of a row's page; nothing where rows have no page."""
    try:
        url = reverse(f"admin:{changelist.opts.app_label}_{changelist.opts.model_name}_change", args=(KEY,))
    except NoReverseMatch:
        return "", ""
    before, _, after = url.partition(KEY)
    return before, f"{after}?{changelist.preserved_filters}" if changelist.preserved_filters else after


def _leads(changelist: Any, name: Any, *, first: bool) -> bool:
    """Whether a column leads to the page of its row: the named ones, or else the first."""
    links = changelist.list_display_links
    return links is not None and (name in links if links else first)


@lru_cache(maxsize=256)
def _patterns(cells: tuple[tuple[str, str, bool], ...]) -> tuple[str, str]:
    """What rows are written into, by turns. Of a cell: its column, its label in HTML, whether it leads to the row."""
    leading = next((number for number, (_, _, leads) in enumerate(cells) if leads), -1)
    inside = "".join(_cell(number, *cell, heads=number == leading) for number, cell in enumerate(cells))
    even, odd = (BEGIN.format(stripe=stripe) + inside + END for stripe in STRIPES)
    return even, odd


def _cell(number: int, name: str, label: str, leads: bool, *, heads: bool) -> str:
    classes = CHECKBOX_CLASSES if name == CHECKBOX else [f"field-{name}", *ROW_CLASSES]
    tag = "th" if heads else "td"
    value = f"{{c{number}}}" if name != CHECKBOX else literal(checkbox.render(ACTION_CHECKBOX_NAME, KEY), "{pk}")
    if leads:
        value = f'<a href="{{url}}" class="{" ".join(LINK_CLASSES)}">{value}</a>'
    return f'<{tag} class="{" ".join(classes)}" data-label="{label}">{value}</{tag}>'


def literal(html: str, key: str = KEY) -> str:
    """This in a pattern, with what stands for the key of the row in it."""
    return html.replace("{", "{{").replace("}", "}}").replace(KEY, key)


def _named(name: Any) -> str:
    return str(getattr(name, "__name__", "")) if callable(name) else str(name)
