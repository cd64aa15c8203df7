"""What shops sold that the catalogue does not know: each product once, to be mapped once."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from orders.models import Line, Order
from profiles.actors import Actor, NotPermitted
from support.admin import dialogs
from support.admin.base import address_of, amount, when
from support.admin.lists import ActiveAdmin
from support.queries import unmapped


class LineAdmin(ActiveAdmin):
    list_title = "Unmapped lines"
    row_named = "line"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise NotPermitted("Your role may not see the catalogue.")
        actor: Actor = request.actor  # type: ignore[attr-defined]
        groups, counted = unmapped.groups()
        orders_url = address_of(Order)
        context = {
            **self.admin_site.each_context(request),
            "title": self.list_title,
            "rows": [
                {
                    "group": group,
                    "channels": sorted(group.channels),
                    "orders": f"{group.orders:,}",
                    "amounts": [amount(minor, currency) for currency, minor in sorted(group.amounts.items())],
                    "oldest": when(group.oldest) if group.oldest else "",
                    "map": dialogs.button("map", group.line_id, actor),
                }
                for group in groups
            ],
            "orders_url": f"{orders_url}?needs=mapping",
            "full": len(groups) >= unmapped.GROUPS_AT_MOST,
            "counted": f"{unmapped.ADDED_UP_AT_MOST:,}" if counted else "",
            "acts": dialogs.buttons(actor, ("add_product", request.organization.pk, True)),  # type: ignore[attr-defined]
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/unmapped.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A line's page is its order's."""
        line: Line = self.found(request, object_id)
        return redirect(address_of(Order, line.order_id))
