"""Who is who: merges with their undo, and the cases a person has to decide."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from unfold.decorators import display

from fulfillment.models import Email, Entitlement
from orders.models import Order
from profiles.actions import reviews
from profiles.actors import Actor
from profiles.models import Identifier, Merge, Profile, Review
from support.admin import dialogs, graphs
from support.admin.base import Period, address_of, link, masked, redacted, when, word
from support.admin.lists import ActiveAdmin, Usually
from support.admin.profiles import KEPT_QUIET
from support.admin.settings import act
from support.queries import alike, whose

# What a review may be about, by the label it is spelled with.
SUBJECTS = {model._meta.label: model for model in (Order, Entitlement, Email)}
SUBJECT_WORDS = {"Order": "Order", "Entitlement": "Entitlement", "Email": "E-mail", "Conversation": "Conversation"}


class Standing(SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("staff", "By staff"), ("rule", "By rule"), ("undone", "Undone")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "staff":
                return queryset.filter(automatic=False)
            case "rule":
                return queryset.filter(automatic=True)
            case "undone":
                return queryset.filter(undone_at__isnull=False)
        return queryset


class MergedWhen(Period):
    title = "when"
    column = "at"


class MergeAdmin(ActiveAdmin):
    list_title = "Merges"
    row_named = "merge"
    chips = "state"
    list_display = ("who_shown", "state_shown", "by_shown", "at_shown")
    list_display_links: Any = None
    list_filter = (Standing, MergedWhen)
    list_select_related = ("survivor", "absorbed")
    ordering = ("-at", "-id")
    search_fields = ("pk",)
    search_help_text = "E-mail, phone or customer id"
    explains = "Two customers who became one, and why. Each merge can be taken back exactly."
    empty_title = "No merges here"
    empty_text = "Customers merge by rule when an order names both, or by hand on a customer's page."

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        first, *rest = self.list_display

        @display(description="Reason")
        def reason_shown(row: Merge) -> str:
            return format_html('<span class="cut" title="{0}">{0}</span>', redacted(row.reason, request))

        @display(description="")
        def act_shown(row: Merge) -> str:
            why = format_html('<a class="act act--small" href="{}">Why?</a> ', graphs.address_of_why(row.survivor_id))
            return why if row.undone_at else format_html("{}{}", why, act("undo_merge", row.pk, request))

        @display(description="Customer")
        def name_shown(row: Merge) -> str:
            return format_html('<span class="strong cut">{}</span>', masked(str(row.survivor), request))

        return [name_shown, first, reason_shown, *rest, act_shown]

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        _, people = whose.ids(text)
        return queryset.filter(Q(survivor_id__in=people) | Q(absorbed_id__in=people))

    @display(description="Merged")
    def who_shown(self, row: Merge) -> str:
        return format_html("{} into {}", row.absorbed_id, link(row.survivor, f"customer {row.survivor_id}"))

    @display(description="State")
    def state_shown(self, row: Merge) -> str:
        return word("dismissed", "Undone") if row.undone_at else word("active", "Stands")

    @display(description="By")
    def by_shown(self, row: Merge) -> str:
        return f"{row.actor_label}, undone by {row.undone_by}" if row.undone_at else row.actor_label

    @display(description="When")
    def at_shown(self, row: Merge) -> str:
        return when(row.at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A merge is told on its survivor's page."""
        row: Merge = self.found(request, object_id)
        return redirect(address_of(Profile, row.survivor_id))


class Decided(Usually):
    """Open ones, unless one asks for more."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "Open"), ("decided", "Closed"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(decided_at__isnull=self.value() != "decided")


class ReviewAdmin(ActiveAdmin):
    list_title = "Reviews"
    row_named = "review"
    chips = "state"
    list_display = ("kind_shown", "state_shown", "about_shown", "customers_shown", "since_shown")
    list_filter = (Decided, "kind")
    ordering = ("-created_at", "-id")
    explains = "Cases of identity that no rule may decide: open one, compare its customers, merge them or leave it."
    empty_title = "No review is open"
    empty_text = "One appears when an order matches too many customers, or both sides of an undone merge."

    @display(description="Case")
    def kind_shown(self, row: Review) -> str:
        return format_html('<span class="strong">{}</span>', row.get_kind_display())

    @display(description="State")
    def state_shown(self, row: Review) -> str:
        return word("dismissed", "Closed") if row.decided_at else word("opened", "Open")

    @display(description="About")
    def about_shown(self, row: Review) -> str:
        return about(row)[0]

    @display(description="Customers")
    def customers_shown(self, row: Review) -> str:
        return str(len(row.candidates))

    @display(description="Since")
    def since_shown(self, row: Review) -> str:
        return when(row.created_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        review: Review = self.found(request, object_id)
        actor: Actor = request.actor  # type: ignore[attr-defined]
        quiet = Identifier.objects.exclude(kind__in=KEPT_QUIET).order_by("kind", "value")
        ids = [profile.pk for profile in reviews.standing(review)]
        people = list(
            Profile.objects.filter(pk__in=ids).prefetch_related(Prefetch("identifiers", quiet), "totals").order_by("pk")
        )
        words, url = about(review)
        context = {
            **self.admin_site.each_context(request),
            "title": review.get_kind_display(),
            "review": review,
            "state": self.state_shown(review),
            "explanation": redacted(review.explanation, request),
            "about": words,
            "about_url": url,
            "since": when(review.created_at),
            "people": [_person(row, people[0], request) for row in people],
            "decided": when(review.decided_at),
            "decision": redacted(review.decision, request),
            "acts": dialogs.buttons(actor, ("decide", review.pk, review.decided_at is None)),
            "next_url": address_of(Review, following) if (following := _after(review)) else "",
            "list_url": address_of(Review),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/review.html", context)


def _after(review: Review) -> int | None:
    return alike.next_of(Review.objects.filter(decided_at__isnull=True), review.pk)


def about(review: Review) -> tuple[str, str]:
    """The fact in question, in words and with its page."""
    label, _, number = review.subject.partition(":")
    model = SUBJECTS.get(label)
    name = label.rpartition(".")[2]
    words = f"{SUBJECT_WORDS.get(name, name)} {number}"
    return words, address_of(model, int(number)) if model is not None and number.isdigit() else ""


def _person(profile: Profile, first: Profile, request: HttpRequest) -> dict[str, Any]:
    compare = dialogs.button("merge", first.pk, request.actor) if profile.pk != first.pk else None  # type: ignore[attr-defined]
    identifiers: Any = profile.identifiers.all()
    totals: Any = profile.totals.all()
    return {
        "id": profile.pk,
        "name": masked(str(profile), request),
        "url": address_of(profile, profile.pk),
        "since": when(profile.created_at),
        "identifiers": [(row.get_kind_display(), masked(row.value, request)) for row in identifiers[:8]],
        "orders": sum(total.orders for total in totals),
        "merge": f"{compare.url}?other={profile.pk}" if compare else "",
        "into": first.pk,
        "why": graphs.address_of_why(profile.pk),
    }
