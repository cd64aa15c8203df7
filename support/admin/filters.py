"""Draws the filters beside a list: each takes one formatting, and what the list shows twice is asked for once.

The look is unfold's (`admin/filter.html`), which makes a template's whole context for every filter.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from django.contrib.admin.filters import BooleanFieldListFilter
from django.contrib.admin.templatetags.admin_list import admin_list_filter
from django.utils.encoding import iri_to_uri
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from support.admin.rows import literal

USUAL = "admin/filter.html"
FILTER = (
    '<div><h3 class="font-semibold mb-2 text-font-important-light dark:text-font-important-dark">{}</h3>{}'
    '<ul class="border border-base-200 flex flex-col rounded-default shadow-xs dark:border-base-700">{}</ul></div>'
)
KEPT = '<input type="hidden" name="{}" value="{}" />'
CHOICE = (
    '<li class="border-b border-base-200 last:border-b-0 dark:border-base-700 {}"><a href="{}" title="{}"'
    ' class="block px-3 py-2 hover:text-primary-600 dark:hover:text-primary-500">{}</a></li>'
)
CHOSEN = "font-semibold text-primary-600 dark:text-primary-500 "
OTHER = "hover:text-base-700 dark:hover:text-base-200"

# What `urlencode` leaves needs nothing more; what another filter wrote may.
_ENCODED = re.compile(r"[\w.~%&=?+*/-]*", re.ASCII)

Choices = Sequence[dict[str, Any]]
Offered = tuple[Any, Choices]


def choices(changelist: Any) -> list[Offered]:
    """Each filter of a list with what can be chosen in it."""
    return [(spec, list(spec.choices(changelist))) for spec in changelist.filter_specs]


def of(name: str, found: Sequence[Offered]) -> Choices:
    """What can be chosen in the filter of this parameter; nothing where the list has no such filter."""
    return next((offered for spec, offered in found if getattr(spec, "parameter_name", "") == name), ())


def drawn(changelist: Any, found: Sequence[Offered]) -> Iterator[SafeString]:
    """Each filter of a list as it stands beside it; those of another look draw themselves."""
    for spec, offered in found:
        special = spec.template != USUAL or isinstance(spec, BooleanFieldListFilter) or hasattr(spec, "horizontal")
        yield admin_list_filter(changelist, spec) if special else _drawn(spec, offered)


def _drawn(spec: Any, offered: Choices) -> SafeString:
    chosen = getattr(spec, "lookup_val", None)
    kept = [(spec.lookup_kwarg, chosen[0]) for one in offered if one["selected"]] if chosen and chosen[0] else ()
    title = gettext(" By %(filter_title)s ") % {"filter_title": spec.title}
    shown = tuple((bool(one["selected"]), literal(conditional_escape(one["display"]))) for one in offered)
    pattern = _pattern(literal(escape(title)), shown)
    addresses = (_href(one["query_string"]) for one in offered)
    return format_html(pattern, *addresses, kept=format_html_join("", KEPT, kept))


# What differs from page to page are the addresses of the choices, and what is kept of the former ones.
@lru_cache(maxsize=512)
def _pattern(title: str, offered: tuple[tuple[bool, str], ...]) -> str:
    """What the addresses are written into, given each choice's words and whether it is chosen."""
    rows = (CHOICE.format(CHOSEN if selected else OTHER, "{}", words, words) for selected, words in offered)
    return FILTER.format(title, "{kept}", "".join(rows))


def _href(query: str) -> str:
    return query if _ENCODED.fullmatch(query) else iri_to_uri(query)
