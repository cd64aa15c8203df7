"""The desk: our own admin site, and which door of support each of its addresses leads to."""

from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from unfold.settings import get_config
from unfold.sites import UnfoldAdminSite

from config import sidebars, tenants
from config.stories import STORIES
from support.admin import (
    REGISTERED,
    checklists,
    cohorts,
    dashboards,
    dialogs,
    funnels,
    growth,
    letters,
    mail_providers,
    mail_templates,
    month_reports,
    revenue_boards,
    searches,
    unattached,
)


class Desk(UnfoldAdminSite):
    """Everything staff see. Nothing is discovered: what is registered stands in `support.admin.REGISTERED`."""

    index_title = "What needs me now"
    enable_nav_sidebar = True
    stories = STORIES

    def __init__(self, name: str = "admin") -> None:
        if settings.STAFF_MFA:
            from support.admin.logins import TokenAuthenticationForm

            self.login_form = TokenAuthenticationForm
        super().__init__(name)
        for model, admin_class in REGISTERED:
            self.register(model, admin_class)

    def has_permission(self, request: HttpRequest) -> bool:
        return tenants.may_enter(request.user)

    def get_urls(self) -> list[URLPattern]:
        def door(view: Any) -> Any:
            def opened(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
                request.current_app = self.name
                response: HttpResponseBase = view(request, site=self, **kwargs)
                return response

            return self.admin_view(opened)

        return [
            path("organization/", self.admin_view(tenants.choose), name="organization"),
            path("search/", door(searches.search), name="search"),
            path("act/<slug:name>/<int:subject_id>/", door(dialogs.open_dialog), name="dialog"),
            path("checklists/", door(checklists.page), name="checklists"),
            path("unattached/", door(unattached.page), name="unattached"),
            path("why/revenue/", door(revenue_boards.page), name="board"),
            path("why/cohorts/", door(cohorts.page), name="cohorts"),
            path("why/growth/", door(growth.page), name="growth"),
            path("why/funnel/", door(funnels.page), name="funnel"),
            path("reports/month/", door(month_reports.page), name="month_report"),
            path("mail-providers/", door(mail_providers.page), name="mail_providers"),
            path("mail-templates/", door(mail_templates.index), name="mail_templates"),
            path("mail-templates/<str:sort>/<str:language>/", door(mail_templates.page), name="mail_template"),
            path("letter/<int:email_id>/", door(letters.as_sent), name="letter"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        here: Any = request
        return context | {
            "organization": getattr(here, "organization", None),
            "organizations": getattr(here, "organizations", {}),
            "actor": getattr(here, "actor", None),
            "sidebar": sidebars.drawn(_role(request), request.path),
        }

    def _get_config(self, key: str, *args: Any) -> Any:
        """As unfold's, which puts the same settings together anew for each of thirty keys of a page."""
        found = _settled(self.settings_name).get(key)
        return self._get_value(found, *args) if found else None

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Whether there is anything to draw; `sidebar` is the drawing."""
        return list(sidebars.groups(_role(request)))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Only of one app: the list of all, made for every page, is drawn on none."""
        return super().get_app_list(request, app_label) if app_label else []

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return dashboards.today(request, site=self, extra_context=extra_context)


@cache
def _settled(name: str) -> dict[str, Any]:
    settled: dict[str, Any] = get_config(name)
    return settled


def _role(request: HttpRequest) -> str:
    actor = getattr(request, "actor", None)
    return actor.role if actor is not None else ""


desk = Desk()
