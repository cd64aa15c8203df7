"""Draws what stands below a list: how many rows it has, and the way to its other pages."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR
from django.core.paginator import Paginator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

LIST = '<nav class="pages" aria-label="Pages">{}</nav>'
PAGE = '<a class="pages__one" href="{}">{}</a>'
HERE = '<span class="pages__one pages__one--here" aria-current="page">{}</span>'
GAP = '<span class="pages__gap" aria-hidden="true">{}</span>'
TURN = '<a class="pages__turn" rel="{}" href="{}">{}</a>'
COUNT = '<div class="pages__count">{}{} {}</div>'


def drawn(changelist: Any) -> SafeString:
    """The pages near this one, the first and the last; of a list on one page only how many rows it has."""
    admin, rows = changelist.model_admin, changelist.result_count
    one = admin.list_one or changelist.opts.verbose_name
    many = (admin.list_title or str(changelist.opts.verbose_name_plural)).lower()
    about = "about " if changelist.paginator.estimated else ""
    count = format_html(COUNT, about, f"{rows:,}", one if rows == 1 else many)
    if not changelist.multi_page:
        return count
    return format_html(LIST, format_html_join("", "{}", ((link,) for link in _links(changelist)))) + count


def _links(changelist: Any) -> Iterator[SafeString]:
    paginator, here = changelist.paginator, changelist.page_num

    def to(page: int) -> str:
        return str(changelist.get_query_string({PAGE_VAR: page}))

    if here > 1:
        yield format_html(TURN, "prev", to(here - 1), "Back")
    for page in paginator.get_elided_page_range(here, on_each_side=2, on_ends=1):
        if page == Paginator.ELLIPSIS:
            yield format_html(GAP, page)
        elif page == here:
            yield format_html(HERE, f"{page:,}")
        else:
            yield format_html(PAGE, to(page), f"{page:,}")
    if here < paginator.num_pages:
        yield format_html(TURN, "next", to(here + 1), "Next")
