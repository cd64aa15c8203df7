"""Customers: the list, and the page that tells one customer's whole story."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from attribution import intents as wanting
from attribution.models import Conversation, ProductIntent, StoreAlert
from orders.models import Order, ProfileTotal, StoreVisit
from profiles import events as telling
from profiles.actions import audit
from profiles.actors import Actor, NotPermitted
from profiles.in_arrays import Place
from profiles.models import Event, Identifier, Merge, Profile, Suggestion
from support.admin import acts_of_claims, alike, coupons, dialogs, followups, graphs, missions, stores, stories
from support.admin.base import DeskAdmin, Period, address_of, amount, masked, moment, when, word
from support.queries import lifetimes, pages
from support.queries.together import Reading

KEPT_QUIET = ("cookie", "device")


def _shown() -> dict[str, QuerySet[Any]]:
    mine = Q(profile__in=Place("profiles"))
    known = Identifier.objects.filter(mine).exclude(kind__in=KEPT_QUIET)
    return {
        "identifiers": known.only("profile_id", "value").order_by("kind"),
        "totals": ProfileTotal.objects.filter(mine).order_by("-net_minor"),
    }


_SHOWN = Reading(_shown)


class Since(Period):
    title = "first seen"
    column = "created_at"


class ProfileAdmin(DeskAdmin):
    """A million customers, newest first; absorbed ones are found on their survivor's page."""

    search_kind = "profile"
    list_title = "Customers"
    list_one = "customer"
    list_display = (
        "strength_shown",
        "claimed_shown",
        "orders_shown",
        "total_shown",
        "since_shown",
    )
    list_filter = (Since,)
    ordering = ("-created_at", "-id")
    empty_title = "No customers here"
    empty_text = "A customer appears with their first order or conversation. Take a filter away, or search above."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(merged_into__isnull=True)

    def completed(self, shown: Iterable[Any]) -> list[Any]:
        """Identifiers and totals of the page's rows come in one query more, whatever their number."""
        found = list(shown)
        read = _SHOWN.read(profiles=[row.pk for row in found]) if found else {}
        for row in found:
            row.known_by, row.worth = [], []
        by_id = {row.pk: row for row in found}
        for one in read.get("identifiers", ()):
            by_id[one.profile_id].known_by.append(one.value)
        for total in read.get("totals", ()):
            by_id[total.profile_id].worth.append(total)
        return found

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Names and identifiers hide from roles that need them not."""

        @display(description="Customer")
        def name_shown(profile: Profile) -> SafeString:
            return format_html('<span class="strong cut">{}</span>', masked(str(profile), request))

        @display(description="Known by")
        def known_shown(profile: Any) -> SafeString:
            values = [masked(value, request) for value in profile.known_by[:2]]
            return format_html('<span class="quiet cut">{}</span>', " · ".join(values) or "Nothing")

        return [name_shown, known_shown, *self.list_display]

    @display(description="Strength")
    def strength_shown(self, profile: Profile) -> SafeString:
        return format_html(
            '<span class="gauge" title="{0} of 100"><span class="gauge__bar" style="--share:{0}%"></span>{0}</span>',
            profile.strength,
        )

    @display(description="Library")
    def claimed_shown(self, profile: Profile) -> SafeString:
        return word("active", "Claimed") if profile.claimed_at else word("guest", "Guest", "over")

    @display(description="Orders")
    def orders_shown(self, profile: Any) -> SafeString:
        return format_html('<span class="money">{}</span>', sum(total.orders for total in profile.worth))

    @display(description="First seen")
    def since_shown(self, profile: Profile) -> SafeString:
        return when(profile.created_at)

    @display(description="Lifetime value")
    def total_shown(self, profile: Any) -> SafeString:
        return format_html_join(" ", "{}", ((amount(t.net_minor, t.currency),) for t in profile.worth[:2]))

    # One customer.

    def get_urls(self) -> list[URLPattern]:
        why = self.admin_site.admin_view(self.why_view)
        return [path("<int:profile_id>/why/", why, name="profiles_profile_why"), *super().get_urls()]

    def why_view(self, request: HttpRequest, profile_id: int) -> HttpResponse:
        """Why these are one person; for whoever may see the customer."""
        if not self.has_view_permission(request):
            raise NotPermitted("Your role may not see customers.")
        profile = Profile.objects.filter(pk=profile_id).first()
        if profile is None:
            raise Http404("There is no such customer.")
        return graphs.why(request, profile, site=self.admin_site)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise NotPermitted("Your role may not see customers.")
        known = object_id.isdigit() and len(object_id) < 19
        profile = pages.profile(int(object_id)) if known else None
        if profile is None:
            raise Http404("There is no such customer.")
        if profile.merged_into_id is not None:
            return redirect(address_of(Profile, profile.merged_into_id))
        page = pages.of_profile(profile, now=moment())
        actor: Actor = request.actor  # type: ignore[attr-defined]
        audit.record("profile.viewed", by=actor, subject=profile, profile_id=profile.pk, at=page.now)
        context = {
            **self.admin_site.each_context(request),
            "title": masked(str(profile), request),
            "page": page,
            "profile": profile,
            "heads": stories.heads(page.verdicts, request),
            "acts": dialogs.buttons(
                actor,
                ("grant", profile.pk, True),
                ("send_claim_link", profile.pk, any(row.downloadable for row in page.entitlements)),
                ("start_email_change", profile.pk, True),
                ("merge", profile.pk, True),
            ),
            "address_notes": acts_of_claims.notes(page.address_changes, request),
            "claimed": word("active", "Claimed") if profile.claimed_at else word("guest", "Guest", "over"),
            "why_url": graphs.address_of_why(profile.pk),
            "identifiers": [_identifier(row, request) for row in page.identifiers],
            "totals": [_total(row, page.talked) for row in page.totals],
            "orders": [_order(row) for row in page.orders],
            "rights": stories.rights(page, actor),
            "letters": stories.letters(page.emails, request),
            **followups.card(request, page.followups, page.services),
            "redemptions": [coupons.use(row, request) for row in page.redemptions],
            "missions": [missions.completion(row, request) for row in page.missions],
            "intents": [_intent(row) for row in page.intents],
            "visits": [_visit(row) for row in page.visits],
            "alerts": [_alert(row, page, actor) for row in page.alerts],
            "linked": [_linked(row, actor) for row in page.events if row.linked_by_staff],
            "talks": [_talk(row, actor) for row in page.conversations],
            "merges": [_merge(row, actor) for row in page.merges],
            "alike": _not_suggested([_alike(row, profile, request) for row in page.alike], page.suggestions),
            "suggestions": [_suggested(row, profile, request) for row in page.suggestions],
            "timeline": stories.shown(page.entries(), request),
            **(extra_context or {}),
        }  # fmt: skip
        return TemplateResponse(request, "admin/customer.html", context)


def _identifier(row: Identifier, request: HttpRequest) -> dict[str, Any]:
    note = "" if row.status == Identifier.Status.ACTIVE else row.get_status_display()
    if row.raw and row.raw != row.value:
        note = f"as typed: {masked(row.raw, request)}" + (f" · {note}" if note else "")
    value = masked(row.spelled.partition(":")[2], request)
    return {"kind": row.get_kind_display(), "value": value, "note": note}


def _alike(row: Profile, profile: Profile, request: HttpRequest) -> dict[str, Any]:
    compare = dialogs.button("merge", profile.pk, request.actor)  # type: ignore[attr-defined]
    return {
        "id": row.pk,
        "name": masked(str(row), request),
        "url": address_of(row, row.pk),
        "button": f"{compare.url}?other={row.pk}" if compare else "",
    }


def _suggested(row: Suggestion, profile: Profile, request: HttpRequest) -> dict[str, Any]:
    other = row.high if row.low_id == profile.pk else row.low
    return {
        "id": other.pk,
        "name": masked(str(other), request),
        "band": alike.band(row),
        "because": row.sentence,
        "url": address_of(Suggestion, row.pk),
    }


def _not_suggested(rows: list[dict[str, Any]], suggestions: list[Suggestion]) -> list[dict[str, Any]]:
    """Those of the same name for whom nothing else speaks."""
    told = {pk for row in suggestions for pk in (row.low_id, row.high_id)}
    return [row for row in rows if row["id"] not in told]


def _total(row: ProfileTotal, talked: lifetimes.Talked) -> dict[str, Any]:
    disputed = row.gross_minor - row.refunded_minor - row.net_minor
    return {
        "net": amount(row.net_minor, row.currency, strong=True),
        "average": amount(lifetimes.average(row.net_minor, row.orders), row.currency),
        "attributed": talked.purchases.get(row.currency, 0),
        "refunded": amount(row.refunded_minor, row.currency) if row.refunded_minor else "",
        "disputed": amount(disputed, row.currency) if disputed else "",
        "row": row,
        "first": when(row.first_purchase_at),
        "last": when(row.last_purchase_at),
    }


def _order(row: Any) -> dict[str, Any]:
    return {
        "row": row,
        "url": address_of(row, row.pk),
        "payment": word(row.payment_status, row.get_payment_status_display()),
        "status": word(row.status, row.get_status_display()),
        "at": when(row.placed_at),
        "total": amount(row.total_minor, row.currency),
    }


def _intent(row: ProductIntent) -> dict[str, Any]:
    """What they want: how much by now, or what they bought."""
    bought = row.state == ProductIntent.State.CONVERTED
    done = wanting.described(row.counts)
    return {
        "sku": row.sku,
        "score": "" if bought else stores.gauge(wanting.score_now(row.points, row.last_at, moment())),
        "state": word("done", "Bought") if bought else word("opened", "Open"),
        "done": done[:1].upper() + done[1:],
        "at": when(row.converted_at if bought else row.last_at),
        "url": address_of(Order, row.order_id) if row.order_id else "",
    }


def _visit(row: StoreVisit) -> dict[str, Any]:
    return {"row": row, "at": when(row.visited_at), "url": address_of(Order, row.order_id)}


def _alert(row: StoreAlert, page: pages.ProfilePage, actor: Actor) -> dict[str, Any]:
    bought = any(intent.sku == row.sku and intent.converted_at for intent in page.intents)
    name = "reopen_alert" if row.acknowledged_at else "acknowledge"
    return {
        "row": row,
        "present": stores.is_present(row) and not bought,
        "state": stores.standing(row, bought=bought),
        "at": when(row.at),
        "button": dialogs.button(name, row.pk, actor),
    }


def _linked(row: Event, actor: Actor) -> dict[str, Any]:
    return {
        "title": telling.title(row.type, row.products),
        "at": when(row.occurred_at),
        "button": dialogs.button("unlink_event", row.pk, actor),
    }


def _talk(row: Conversation, actor: Actor) -> dict[str, Any]:
    unlink = dialogs.button("unlink_conversation", row.pk, actor) if row.linked_by_staff else None
    return {"row": row, "button": unlink}


def _merge(row: Merge, actor: Actor) -> dict[str, Any]:
    undo = None if row.undone_at else dialogs.button("undo_merge", row.pk, actor)
    return {"row": row, "at": when(row.at), "undo": undo}
