"""Missions: what completes each, whether its rewards can be delivered, who completed it, and its log."""

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from fulfillment.actions.missions import HOLDS
from fulfillment.models import FormerTerms, Mission, MissionCompletion, MissionEntry
from fulfillment.queries import missions
from orders.models import Product
from profiles.models import Profile
from support.admin import dialogs
from support.admin.base import address_of, masked, when, word
from support.admin.lists import ActiveAdmin

SHOWN_AT_MOST = 100
FORMER_SHOWN = 10
TONES = {"completed": "well", "doubled": "over", "withdrawn": "bad", "kept": "look"}


class MissionAdmin(ActiveAdmin):
    list_title = "Missions"
    row_named = "mission"
    list_display = ("title_shown", "rule_shown", "completed_shown", "state_shown", "since_shown")
    above = ("add_mission",)
    ordering = ("-created_at", "-id")
    explains = "What customers do for a reward. Completions follow from what they did, and so does taking them back."
    empty_title = "No mission yet"
    empty_text = "Add the first one above: say what has to be done how often, and which product it gives."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        done = MissionCompletion.objects.filter(mission=OuterRef("pk"), state__in=HOLDS).order_by()
        counts = done.values("mission_id").annotate(number=Count("id")).values("number")
        number = Coalesce(Subquery(counts, output_field=IntegerField()), Value(0))
        return super().get_queryset(request).annotate(done=number)

    @display(description="Mission")
    def title_shown(self, row: Mission) -> SafeString:
        return format_html(
            '<a class="pair link" href="{}"><span class="strong">{}</span><span class="quiet cut">{}</span></a>',
            address_of(row, row.pk),
            row.title,
            row.slug,
        )

    @display(description="Completed by")
    def rule_shown(self, row: Mission) -> str:
        return sentence(row)

    @display(description="Completions")
    def completed_shown(self, row: Any) -> str:
        return str(row.done)

    @display(description="State")
    def state_shown(self, row: Mission) -> SafeString:
        return _state(row)

    @display(description="Since")
    def since_shown(self, row: Mission) -> SafeString:
        return when(row.starts_at)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: Mission = self.found(request, object_id)
        actor = request.actor  # type: ignore[attr-defined]
        done = MissionCompletion.objects.filter(mission=row).select_related("profile", "mission")
        entries = MissionEntry.objects.filter(mission=row).select_related("profile", "product")
        rewards = missions.rewards([row.pk])
        context = {
            **self.admin_site.each_context(request),
            "title": row.title,
            "mission": row,
            "state": _state(row),
            "sentence": sentence(row),
            "starts": when(row.starts_at),
            "ends": when(row.ends_at),
            "wrong": sum(1 for reward in rewards if reward.wrong),
            "rewards": [
                {
                    "reward": reward,
                    "url": address_of(Product, reward.product.pk) if reward.product else "",
                    "state": word("failed", reward.wrong) if reward.wrong else word("active", "Deliverable"),
                }
                for reward in rewards
            ],
            "former": [
                {
                    "terms": f"{one.times} ×, for {', '.join(one.rewards)}",
                    "until": when(one.replaced_at),
                }
                for one in FormerTerms.objects.filter(mission=row).order_by("-replaced_at", "-pk")[:FORMER_SHOWN]
            ],
            "completions": [completion(one, request) for one in done.order_by("-completed_at", "-pk")[:SHOWN_AT_MOST]],
            "entries": [
                {
                    "row": entry,
                    "who": masked(str(entry.profile), request),
                    "url": address_of(Profile, entry.profile_id),
                    "at": when(entry.at),
                }
                for entry in entries.order_by("-at", "-pk")[:SHOWN_AT_MOST]
            ],
            "acts": dialogs.buttons(
                actor,
                ("change_mission", row.pk, True),
                ("stop_mission", row.pk, row.active),
                ("start_mission", row.pk, not row.active),
            ),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/mission.html", context)


def sentence(row: Mission) -> str:
    """What completes it, in words."""
    if row.rule == Mission.Rule.REPORTED:
        return "Another system reports it"
    what = row.event_type.replace("_", " ") if row.rule == Mission.Rule.EVENTS else "purchase"
    of = f" of {', '.join(row.skus)}" if row.rule == Mission.Rule.PURCHASES and row.skus else ""
    return f"{row.times} × {what}{of}, {row.get_period_display().lower()}"


def _state(row: Mission) -> SafeString:
    return word("active", "Running") if row.active else word("stopped", "Stopped", "over")


def completion(row: MissionCompletion, request: HttpRequest) -> dict[str, Any]:
    """One completion as pages show it, with its button (give it with mission and profile selected)."""
    stands = row.state in HOLDS
    return {
        "row": row,
        "who": masked(str(row.profile), request),
        "url": address_of(Profile, row.profile_id),
        "mission_url": address_of(Mission, row.mission_id),
        "state": word(row.state, row.get_state_display(), TONES[row.state]),
        "at": when(row.completed_at),
        "acts": dialogs.buttons(request.actor, ("reissue_reward", row.pk, stands)),  # type: ignore[attr-defined]
    }
