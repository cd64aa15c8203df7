"""Lists from which one acts: on chosen rows, or on the organization by the buttons above the list."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib.admin import SimpleListFilter
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import Organization
from support import limits
from support.actions import approvals
from support.admin import dialogs
from support.admin.base import DeskAdmin
from support.admin.dialogs import Ask, Dialog
from support.models import Approval

CHOSEN_AT_MOST = 200
OWN_FIELDS = ("ids", "because", "act", "back", "foretold")


class AskMany(Ask):
    ids = forms.RegexField(r"^\d+(,\d+)*$", widget=forms.HiddenInput, max_length=20 * CHOSEN_AT_MOST)

    def clean_ids(self) -> list[int]:
        chosen = [int(one) for one in self.cleaned_data["ids"].split(",")]
        if len(chosen) > CHOSEN_AT_MOST:
            raise forms.ValidationError(f"Choose at most {CHOSEN_AT_MOST} at a time.")
        return chosen


class Many(Dialog):
    """One act on rows chosen in a list; its subject is the organization whose list it is."""

    model = Organization
    form = AskMany

    def about(self, subject: Organization) -> str:
        return ""

    def prepare(self, form: Any, subject: Organization, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["ids"] = request.GET.get("ids", "")

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        found = self.counted(chosen(request))
        organization = request.organization  # type: ignore[attr-defined]
        if limits.bulk_is_over(approvals.limits_of(organization), len(chosen(request))):
            found.append("It is over the limit of rows: a second person confirms it first, if there is one.")
        return found

    def counted(self, ids: Sequence[int]) -> list[str]:
        """What will happen to these rows, in numbers."""
        return []

    def pressed(self, subject: Organization, press: dialogs.Press) -> dialogs.Done:
        ids: list[int] = press.data["ids"]
        if not limits.bulk_is_over(approvals.limits_of(subject), len(ids)):
            return self.do(subject, press)
        if not approvals.others(Approval.Kind.BULK, press.by):
            approvals.note_alone(subject, by=press.by)
            return self.do(subject, press)
        more = {name: value for name, value in press.data.items() if name not in OWN_FIELDS}
        row = approvals.ask(
            Approval.Kind.BULK,
            key=f"bulk:{press.key}",
            title=f"{self.title}: {len(ids)} rows",
            will=self.counted(ids),
            arguments={**more, "dialog": self.name, "ids": ids},
            by=press.by,
            because=press.because,
            organization_id=subject.pk,
        )
        return dialogs.Done(
            f"{len(ids)} rows are over the limit: a second person confirms it. Nothing was done yet.",
            url=dialogs.url_of("support_approval_change", row.pk),
        )


def chosen(request: HttpRequest) -> list[int]:
    """The rows a dialog was opened for."""
    given = (request.POST.get("ids") or request.GET.get("ids", "")).split(",")
    return [int(one) for one in given if one.isdigit() and len(one) < 19][:CHOSEN_AT_MOST]


def counted(number: int, one: str, many: str = "") -> str:
    """1 delivery, 2 deliveries"""
    return f"{number} {one if number == 1 else many or one + 's'}"


class ByState(SimpleListFilter):
    """The states of a model as chips above its list. Subclasses name them."""

    title = "state"
    parameter_name = "state__exact"
    states: ClassVar[type[models.TextChoices]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(words)) for value, words in self.states.choices]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() in self.states.values else queryset


class Usually(SimpleListFilter):
    """A filter that shows its first choice unless one asks for another."""

    def chosen(self) -> str:
        return self.value() or str(self.lookup_choices[0][0])

    def choices(self, changelist: Any) -> Any:
        for value, words in self.lookup_choices:
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": self.chosen() == str(value), "query_string": query, "display": words}


class ActiveAdmin(DeskAdmin):
    """A list with acts: `bulk` names dialogs about chosen rows, `above` dialogs about the organization.

    A page of one row is drawn by `page`, from `template`.
    """

    bulk: ClassVar[tuple[str, ...]] = ()
    above: ClassVar[tuple[str, ...]] = ()
    template: ClassVar[str] = ""
    # What stands at the head of a page that the role may not see, and one that is not there.
    row_named: ClassVar[str] = "row"
    list_before_template = "admin/_list_head.html"

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        found = [dialogs.DIALOGS[name] for name in self.bulk]
        return {one.name: (_ask(one.name), one.name, one.button) for one in found if actor.may(one.permission)}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        organization = request.organization  # type: ignore[attr-defined]
        actor: Actor = request.actor  # type: ignore[attr-defined]
        acts = dialogs.buttons(actor, *((name, organization.pk, True) for name in self.above))
        return super().changelist_view(request, {"acts": acts, **(extra_context or {})})

    def found(self, request: HttpRequest, object_id: str, *related: str) -> Any:
        """The row of this page; refuses whose role may not see it."""
        if not self.has_view_permission(request):
            raise NotPermitted(f"Your role may not see this {self.row_named}.")
        known = object_id.isdigit() and len(object_id) < 19
        rows = self.model._base_manager.select_related(*related) if related else self.model._base_manager.all()
        row = rows.filter(pk=int(object_id)).first() if known else None
        if row is None:
            raise Http404(f"There is no such {self.row_named}.")
        return row


def _ask(name: str) -> Callable[[Any, HttpRequest, models.QuerySet[Any]], HttpResponse]:
    """What the list does with chosen rows: it opens the dialog that says what will happen to them."""

    def ask(model_admin: Any, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse:
        ids = list(queryset.order_by().values_list("pk", flat=True)[: CHOSEN_AT_MOST + 1])
        if len(ids) > CHOSEN_AT_MOST:
            raise Invalid(f"Choose at most {CHOSEN_AT_MOST} at a time.")
        organization = request.organization  # type: ignore[attr-defined]
        url = reverse("admin:dialog", kwargs={"name": name, "subject_id": organization.pk})
        query = {"ids": ",".join(map(str, sorted(ids))), "back": request.get_full_path()}
        return redirect(f"{url}?{urlencode(query, safe=',/')}")

    return ask
