"""Settings: who works here in which role, which tokens open the API, and what the organization is."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from unfold.decorators import display

from profiles import rules
from profiles.actors import NotPermitted
from profiles.models import ApiToken, Membership, Organization
from support.actions import approvals
from support.admin import dialogs
from support.admin.base import mask, when, word
from support.admin.lists import ActiveAdmin


def act(name: str, subject_id: int, request: HttpRequest) -> str:
    """The button of a row, or nothing where the role may not press it."""
    made = dialogs.button(name, subject_id, request.actor)  # type: ignore[attr-defined]
    if made is None:
        return ""
    danger = " act--danger" if made.danger else ""
    return format_html('<a class="act act--small{}" href="{}" data-dialog>{}</a>', danger, made.url, made.label)


class MembershipAdmin(ActiveAdmin):
    view_permission = "manage_staff"
    list_title = "Staff"
    list_one = "member"
    row_named = "member"
    list_display = ("name_shown", "role_shown", "since_shown", "seen_shown")
    list_display_links: Any = None
    list_filter = ("role",)
    list_select_related = ("user",)
    ordering = ("user__username",)
    above = ("add_member",)
    explains = "Who may work here, and in which role. Every act stands in the audit log under its name."
    empty_title = "Nobody has this role"
    empty_text = "Add a member, or take the filter away."

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="")
        def act_shown(row: Membership) -> str:
            own = row.user_id == request.user.pk
            return format_html('<span class="quiet">{}</span>', "you") if own else act("change_role", row.pk, request)

        return [*self.list_display, act_shown]

    @display(description="Member")
    def name_shown(self, row: Membership) -> str:
        login = row.user.get_username()
        return format_html(
            '<span class="pair"><span class="strong cut">{}</span><span class="quiet cut">{}</span></span>',
            row.user.get_full_name() or login,
            login,
        )

    @display(description="Role")
    def role_shown(self, row: Membership) -> str:
        if not row.user.is_active:
            return word("revoked", "Switched off")
        return word(row.role, row.get_role_display(), "waiting" if row.role == "engineer" else "over")

    @display(description="Since")
    def since_shown(self, row: Membership) -> str:
        return when(row.created_at)

    @display(description="Last signed in")
    def seen_shown(self, row: Membership) -> str:
        return when(row.user.last_login)


class ApiTokenAdmin(ActiveAdmin):
    view_permission = "manage_tokens"
    list_title = "API tokens"
    row_named = "token"
    list_display = ("name_shown", "scopes_shown", "state_shown", "issued_shown")
    list_display_links: Any = None
    ordering = ("-created_at", "-id")
    above = ("issue_token",)
    explains = "What programs call the API with. Only hashes are stored: a lost token is revoked and issued anew."
    empty_title = "No token yet"
    empty_text = "Issue one for each program, with the scopes it needs and no more."

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        @display(description="")
        def act_shown(row: ApiToken) -> str:
            return "" if row.revoked_at else act("revoke_token", row.pk, request)

        return [*self.list_display, act_shown]

    @display(description="Token")
    def name_shown(self, row: ApiToken) -> str:
        return format_html(
            '<span class="pair"><span class="strong cut">{}</span><span class="quiet">ending in {}</span></span>',
            row.name,
            row.hint,
        )

    @display(description="May")
    def scopes_shown(self, row: ApiToken) -> str:
        shown = "everything" if "*" in row.scopes else ", ".join(row.scopes)
        return format_html('<span class="cut" title="{0}">{0}</span>', shown)

    @display(description="State")
    def state_shown(self, row: ApiToken) -> str:
        if row.revoked_at is None:
            return word("active", "Opens the API")
        return format_html("{} {}", word("revoked", "Revoked"), when(row.revoked_at))

    @display(description="Issued")
    def issued_shown(self, row: ApiToken) -> str:
        return when(row.created_at)


class OrganizationAdmin(ActiveAdmin):
    """The one organization one works in; there is no list of others."""

    list_title = "Organization"
    row_named = "organization"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise NotPermitted("Your role may not see the organization.")
        organization: Organization = request.organization  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": organization.name,
            "facts": _facts(organization, request),
            "acts": dialogs.buttons(request.actor, ("change_limits", organization.pk, True)),  # type: ignore[attr-defined]
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/organization.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.found(request, object_id)
        return self.changelist_view(request)


def _facts(organization: Organization, request: HttpRequest) -> list[tuple[str, Any, str]]:
    sees = request.actor.may("view_pii")  # type: ignore[attr-defined]
    blocked = [str(value) if sees else mask(str(value)) for value in organization.blocked]
    return [
        ("Name", organization.name, organization.slug),
        ("Base currency", organization.currency, "every total beside its own currency"),
        ("Country", organization.region, "national phone numbers are read as of here"),
        ("Time zone", organization.timezone, "its days begin and end there"),
        ("Support address", organization.support_email or "None", "stands in every mail to customers"),
        ("Own mail domains", _listed(organization.own_domains), "never taken for a customer's"),
        ("Blocked values", _listed(blocked), "never used to recognise a customer"),
        (
            "Rules of identity",
            _rules(organization),
            "priority, limits and weights; changed under Set aside",
        ),
        ("A second person confirms", _limits(organization), "nobody confirms their own"),
        ("Since", when(organization.created_at), "demo: its mail is kept, never sent" if organization.is_demo else ""),
    ]


def _limits(organization: Organization) -> str:
    terms = approvals.limits_of(organization)
    found = [
        f"refunds above {terms.refund:,} {organization.currency}" if terms.refund is not None else "",
        f"acts on more than {terms.bulk} rows" if terms.bulk is not None else "",
        "merges of two who paid" if terms.merge else "",
        "changes of an e-mail address" if terms.email_change else "",
    ]
    named = ", ".join(one for one in found if one)
    return f"{named[:1].upper()}{named[1:]}" or "Nothing"


def _rules(organization: Organization) -> str:
    changed = rules.read(organization.identity).document()
    own = [f"{name.replace('_', ' ')} of its own" for name in changed]
    return f"{', '.join(own).capitalize()}" if own else "As usual"


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(value) for value in values) or "None"
