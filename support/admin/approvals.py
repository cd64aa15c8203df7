"""What waits for a second person: the list, waiting ones first, and the page of one."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from orders.models import Order
from profiles.actors import Actor
from profiles.models import Profile
from support import limits
from support.admin import dialogs
from support.admin.base import address_of, when, word
from support.admin.lists import ActiveAdmin, ByState
from support.models import Approval


class ByApprovalState(ByState):
    states = Approval.State


class ApprovalAdmin(ActiveAdmin):
    row_named = "approval"
    list_title = "Approvals"
    list_display = ("title_shown", "kind_shown", "state_shown", "asked_shown", "since_shown", "decided_shown")
    list_filter = (ByApprovalState, "kind")
    # By their names the waiting ones come first.
    ordering = ("-state", "-asked_at", "-id")
    above = ("change_limits",)
    chips = "state__exact"
    explains = "Acts over the limits of this organization: a second person confirms. Nobody confirms their own."
    empty_title = "Nothing waits for a second person"
    empty_text = "A refund, a bulk act or a merge over the limits stands here until somebody decides."

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Approval = self.found(request, object_id, "order")
        actor: Actor = request.actor  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": row.title,
            "row": row,
            "state": word(row.state, row.get_state_display()),
            "acts": _acts(row, actor),
            "facts": _facts(row),
            "own": row.state == Approval.State.WAITING and row.asked_by_id == actor.user_id,
            "list_url": address_of(Approval),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/approval.html", context)

    @display(description="What")
    def title_shown(self, row: Approval) -> SafeString:
        return format_html('<span class="strong cut" title="{0}">{0}</span>', row.title)

    @display(description="Kind")
    def kind_shown(self, row: Approval) -> str:
        return row.get_kind_display()

    @display(description="State")
    def state_shown(self, row: Approval) -> SafeString:
        return word(row.state, row.get_state_display())

    @display(description="Asked by")
    def asked_shown(self, row: Approval) -> SafeString:
        return format_html(
            '<span class="pair"><span class="cut">{}</span><span class="quiet cut" title="{}">{}</span></span>',
            row.asked_by,
            row.because,
            row.because,
        )

    @display(description="Asked")
    def since_shown(self, row: Approval) -> SafeString:
        return when(row.asked_at)

    @display(description="Decided by")
    def decided_shown(self, row: Approval) -> str:
        return row.decided_by or "–"


def _acts(row: Approval, actor: Actor) -> list[dialogs.Button]:
    waits, own = row.state == Approval.State.WAITING, row.asked_by_id == actor.user_id
    decides = waits and not own and actor.may(limits.PERMISSIONS[row.kind])
    return dialogs.buttons(
        actor, ("approve", row.pk, decides), ("decline", row.pk, decides), ("withdraw", row.pk, waits and own)
    )


def _facts(row: Approval) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [
        ("Asked by", row.asked_by),
        ("Because", row.because),
        ("Asked", when(row.asked_at)),
        ("Ends", when(row.expires_at)),
    ]
    if row.order is not None:
        found.append(("Order", _link(address_of(Order, row.order_id), str(row.order))))
    for name in ("one", "other"):
        if row.kind == Approval.Kind.MERGE:
            pk = row.arguments[name]
            found.append(("Customer", _link(address_of(Profile, pk), f"Customer {pk}")))
    if row.decided_at:
        found += [
            (row.get_state_display(), when(row.decided_at)),
            ("By", row.decided_by),
            ("Reason", row.decision_reason),
            ("What came of it", row.result or "Nothing was done."),
        ]
    return found


def _link(url: str, text: str) -> SafeString:
    return format_html('<a class="link" href="{}">{}</a>', url, text)
