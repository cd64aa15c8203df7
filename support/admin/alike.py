"""Likely the same: pairs of customers who are probably one person, to be compared, merged or parted one by one."""

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from orders.models import ProfileTotal
from profiles import likeness
from profiles.actors import Actor
from profiles.models import Identifier, Profile, Suggestion
from support.admin import dialogs
from support.admin.base import BAD, LOOK, OVER, WAITING, WELL, address_of, amount, masked, redacted, when, word
from support.admin.lists import ActiveAdmin
from support.queries import alike, whose

BANDS = {
    Suggestion.Band.ALMOST_CERTAIN: WELL,
    Suggestion.Band.LIKELY: WAITING,
    Suggestion.Band.POSSIBLE: LOOK,
}


class Decision(SimpleListFilter):
    """Open ones, unless one asks for others."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(words)) for value, words in Suggestion.State.choices]

    def choices(self, changelist: Any) -> Any:
        for value, words in self.lookup_choices:
            selected = (self.value() or Suggestion.State.OPEN) == str(value)
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": selected, "query_string": query, "display": words}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value() or Suggestion.State.OPEN)


class SuggestionAdmin(ActiveAdmin):
    """Nobody is merged from here by itself: each pair is a page with both sides and the evidence."""

    list_title = "Likely the same"
    list_one = "pair"
    row_named = "suggestion"
    chips = "state"
    list_display = ("band_shown",)
    list_display_links: Any = ("band_shown",)
    list_filter = (Decision, "band")
    list_select_related = ("low", "high")
    ordering = ("-score", "-id")
    search_fields = ("pk",)
    search_help_text = "E-mail, phone or customer id"
    explains = "Customers who are probably one person, the surest first. Open a pair, compare, then merge or part them."
    empty_title = "No pair waits for you"
    empty_text = (
        "A pair appears some seconds after two customers turn out alike. Take a filter away to see decided ones."
    )

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Names and findings hide from roles that need them not."""

        @display(description="Customers")
        def pair_shown(row: Suggestion) -> SafeString:
            return format_html(
                '<span class="pair"><span class="strong cut">{}</span><span class="strong cut">{}</span></span>',
                masked(str(row.low), request),
                masked(str(row.high), request),
            )

        @display(description="Because")
        def because_shown(row: Suggestion) -> SafeString:
            return format_html('<span class="evidence">{}</span>', row.sentence)

        @display(description="Found")
        def found_shown(row: Suggestion) -> SafeString:
            if row.state == Suggestion.State.OPEN:
                return when(row.found_at)
            return format_html('{}<br><span class="quiet">{}</span>', when(row.decided_at), row.decided_by)

        @display(description="")
        def act_shown(row: Suggestion) -> SafeString | str:
            url = address_of(Suggestion, row.pk)
            return format_html('<a class="act act--small" href="{}">Compare</a>', url)

        return [*self.list_display, pair_shown, because_shown, found_shown, act_shown]

    def find(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        _, people = whose.ids(text)
        return queryset.filter(Q(low_id__in=people) | Q(high_id__in=people))

    @display(description="How sure")
    def band_shown(self, row: Suggestion) -> SafeString:
        if row.state == Suggestion.State.OPEN:
            return band(row)
        return word(row.state, row.get_state_display(), WELL if row.state == Suggestion.State.MERGED else OVER)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One pair, side by side, finding by finding."""
        row: Suggestion = self.found(request, object_id, "low", "high")
        actor: Actor = request.actor  # type: ignore[attr-defined]
        people = [row.low, row.high]
        identifiers, totals = alike.known_by(people)
        following = alike.after(row)
        context = {
            **self.admin_site.each_context(request),
            "title": "Likely the same",
            "row": row,
            "band": self.band_shown(row),
            "points": f"{row.score:g}",
            "sentence": row.sentence,
            "sides": [side(one, identifiers[one.pk], totals[one.pk], request) for one in people],
            "findings": findings(row.evidence, request),
            "acts": acts(row, actor),
            "decided": when(row.decided_at),
            "because": redacted(row.because, request),
            "next_url": address_of(Suggestion, following) if following else "",
            "list_url": address_of(Suggestion),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/suggestion.html", context)


def band(row: Suggestion) -> SafeString:
    """How sure, as a word with colour."""
    return word(row.band, row.get_band_display(), BANDS.get(Suggestion.Band(row.band), OVER))


def acts(row: Suggestion, actor: Actor) -> list[dialogs.Button]:
    """What may be done with this pair now."""
    if row.state == Suggestion.State.DISMISSED:
        return dialogs.buttons(actor, ("reopen_suggestion", row.pk, True))
    if row.state != Suggestion.State.OPEN:
        return []
    merge = dialogs.button("merge", row.low_id, actor, first=True)
    part = dialogs.button("dismiss_suggestion", row.pk, actor)
    chosen = dialogs.Button(merge.label, f"{merge.url}?other={row.high_id}", first=True) if merge else None
    return [one for one in (chosen, part) if one is not None]


def side(
    profile: Profile, identifiers: list[Identifier], totals: list[ProfileTotal], request: HttpRequest
) -> dict[str, Any]:
    """One of the two as a card."""
    return {
        "id": profile.pk,
        "name": masked(str(profile), request),
        "url": address_of(Profile, profile.merged_into_id or profile.pk),
        "gone": profile.merged_into_id,
        "since": when(profile.created_at),
        "identifiers": [
            (row.get_kind_display(), masked(row.spelled.partition(":")[2], request)) for row in identifiers
        ],
        "orders": sum(total.orders for total in totals),
        "totals": [amount(total.net_minor, total.currency, strong=True) for total in totals],
    }


def findings(evidence: Iterable[dict[str, Any]], request: HttpRequest) -> list[dict[str, Any]]:
    """Each finding with both spellings, the most telling first."""
    return [
        {
            "field": likeness.FIELDS.get(found["field"], found["field"]),
            "one": masked(found["one"], request),
            "other": masked(found["other"], request),
            "verdict": word("", found["words"], WELL if found["weight"] >= 1 else BAD if found["weight"] < 0 else OVER),
            "points": f"{found['weight']:+g}",
        }
        for found in sorted(evidence, key=lambda found: -found["weight"])
    ]
