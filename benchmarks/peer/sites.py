"""Three admin sites over the peer's orders: Django's defaults, the tuned one, and one that searches by prefix."""

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, path
from django.utils.functional import cached_property

from benchmarks.peer.models import Order

FOUND_AT_MOST = 1000


class ByStatistics(Paginator):
    """The number of rows as the planner knows it; what is narrowed is counted up to a thousand."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if rows.query.where:
            return int(rows.order_by()[:FOUND_AT_MOST].count())
        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [Order._meta.db_table])
            return int(cursor.fetchone()[0])


class Plain(admin.ModelAdmin):
    list_display = ("number", "email", "phone", "total", "currency", "status", "created_at")
    search_fields = ("email",)


class Tuned(Plain):
    """No full count, and fragments by an index of trigrams.

    The embedded server brings no pg_trgm; its index is one over arrays of trigrams, as the desk's own is.
    """

    paginator = ByStatistics
    show_full_result_count = False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        holds = "peer_trigrams(email) @> peer_trigrams(%s) AND lower(email) LIKE '%%' || lower(%s) || '%%'"
        return queryset.filter(RawSQL(holds, [search_term, search_term], BooleanField())), False


class ByPrefix(Plain):
    paginator = ByStatistics
    show_full_result_count = False
    search_fields = ("email__startswith",)


SITES = {"plain": Plain, "tuned": Tuned, "prefix": ByPrefix}
urlpatterns: list[URLPattern | URLResolver] = []
for name, kind in SITES.items():
    site = admin.AdminSite(name=name)
    site.register(Order, kind)
    urlpatterns.append(path(f"{name}/", site.urls))
