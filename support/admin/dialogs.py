"""One way to act: a dialog says what will happen and asks why, one verb does it once, the result is said in numbers.

A dialog is opened by GET, which changes nothing, and pressed by POST. Its hidden key is the act's id in the audit log,
so that a second press of the same button finds the first and does nothing more.
"""

import hashlib
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db import connection, models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from profiles import clock
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry

LOCK_SPACE = 0xAC7
# No form is older than the session it was drawn in.
REMEMBERED = timedelta(hours=12)
FIRST_PAGE = "admin:index"


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did, in numbers. `shown` is told once, in the dialog itself; `url` leads on, else back."""

    said: str
    url: str = ""
    shown: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Press:
    """One press of the button: who, with which words, and the key that makes a second press nothing."""

    by: Actor
    because: str
    key: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Ask(forms.Form):
    """What every dialog asks: why. Its own questions stand above."""

    field_order: Sequence[str] | None = None

    because = forms.CharField(
        label="Reason",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "Why? One line for whoever reads this later."}),
        help_text="Stands in the audit log beside your name.",
    )
    act = forms.UUIDField(widget=forms.HiddenInput)
    back = forms.CharField(required=False, widget=forms.HiddenInput)
    foretold = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("because", "act", "back", "foretold"):
            self.fields[name] = self.fields.pop(name)


class Dialog:
    """One act of the desk. Subclasses say on what, who may, what will happen, and which verb does it."""

    name: ClassVar[str]
    permission: ClassVar[str]
    model: ClassVar[type[models.Model]]
    related: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str]
    button: ClassVar[str]
    danger: ClassVar[bool] = False
    form: ClassVar[type[Ask]] = Ask
    template: ClassVar[str] = "admin/dialogs/ask.html"
    inverse: ClassVar[str] = ""
    # Of a dialog that foretells: what stands on its button before that, and after.
    look: ClassVar[str] = ""
    press: ClassVar[str] = "Do this"

    def subject(self, subject_id: int) -> Any:
        rows = self.model._base_manager.filter(pk=subject_id)
        row = (rows.select_related(*self.related) if self.related else rows).first()
        if row is None:
            raise Http404("There is nothing here by that number.")
        return row

    def about(self, subject: Any) -> str:
        """The line below the title: what it is about."""
        return str(subject)

    def will(self, subject: Any, request: HttpRequest) -> list[str]:
        """What will happen, in numbers."""
        return []

    def foretell(self, subject: Any, data: Mapping[str, Any]) -> list[str] | None:
        """What these answers would alter, shown before they are pressed once more; None where `will` says it all."""
        return None

    def cannot(self, subject: Any) -> str:
        """Why this is not possible now; '' if it is."""
        return ""

    def prepare(self, form: Any, subject: Any, request: HttpRequest) -> None:
        """Give the form its choices and first values."""

    def more(self, subject: Any, request: HttpRequest) -> dict[str, Any]:
        """What the dialog's own template needs."""
        return {}

    def pressed(self, subject: Any, press: Press) -> Done:
        """Do it, or where it is over a limit, ask a second person to confirm it."""
        return self.do(subject, press)

    def do(self, subject: Any, press: Press) -> Done:
        raise NotImplementedError


DIALOGS: dict[str, Dialog] = {}


def registered(dialog: type[Dialog]) -> type[Dialog]:
    DIALOGS[dialog.name] = dialog()
    return dialog


@dataclass(frozen=True, slots=True)
class Button:
    """A button that is legal and permitted."""

    label: str
    url: str
    danger: bool = False
    first: bool = False


def button(name: str, subject_id: int, actor: Actor | None, *, label: str = "", first: bool = False) -> Button | None:
    """The button of a dialog, or None where there is no such dialog or the role may not press it."""
    dialog = DIALOGS.get(name)
    if dialog is None or actor is None or not actor.may(dialog.permission):
        return None
    url = reverse("admin:dialog", kwargs={"name": name, "subject_id": subject_id})
    return Button(label or dialog.button, url, dialog.danger, first)


def buttons(actor: Actor | None, *wanted: tuple[str, int, bool]) -> list[Button]:
    """The buttons of these (name, subject, legal) that are legal and permitted."""
    found = (button(name, subject_id, actor) for name, subject_id, legal in wanted if legal)
    return [one for one in found if one is not None]


def way_back(request: HttpRequest, prefix: str = "/admin/") -> str:
    """The page of ours the request came from, else the first page; never the page asked for itself."""
    came_from = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    return own_path(came_from, request, prefix) or reverse(FIRST_PAGE)


def own_path(address: str, request: HttpRequest, prefix: str = "/admin/") -> str:
    """The path of an address that is a page of this desk, other than the one asked for; '' for any other."""
    if not address or not url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure()):
        return ""
    path = address if address.startswith("/") else "/" + address.split("//", 1)[-1].partition("/")[2]
    if not path.startswith(prefix) or path.partition("?")[0] == request.path:
        return ""
    return path


def open_dialog(request: HttpRequest, *, site: Any, name: str, subject_id: int) -> HttpResponse:
    """Draw a dialog, or press its button."""
    dialog = DIALOGS.get(name)
    if dialog is None:
        raise Http404("There is no such act.")
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.may(dialog.permission):
        raise NotPermitted(f"Your role ({actor.role or 'none'}) may not do this: {dialog.title.lower()}.")
    subject = dialog.subject(subject_id)
    if request.method == "POST":
        return _press(request, site, dialog, subject)
    back = own_path(request.GET.get("back", ""), request) or way_back(request)
    form = dialog.form(initial={"act": uuid.uuid4(), "back": back})
    dialog.prepare(form, subject, request)
    return _draw(request, site, dialog, subject, form)


def _press(request: HttpRequest, site: Any, dialog: Dialog, subject: Any) -> HttpResponse:
    form = dialog.form(request.POST, request.FILES)
    dialog.prepare(form, subject, request)
    if not form.is_valid():
        return _draw(request, site, dialog, subject, form)
    key: uuid.UUID = form.cleaned_data["act"]
    back = own_path(form.cleaned_data["back"], request) or way_back(request)
    if _pressed_before(key):
        messages.info(request, "That was done already, a moment ago. Nothing was done twice.")
        return _go(request, back)
    actor: Actor = replace(request.actor, act=key)  # type: ignore[attr-defined]
    try:
        foretold = dialog.foretell(subject, form.cleaned_data)
    except Invalid as invalid:
        form.add_error(None, str(invalid))
        return _draw(request, site, dialog, subject, form)
    if foretold is not None and form.cleaned_data["foretold"] != (seen := _mark(form.cleaned_data, foretold)):
        answers: Any = form.data
        form.data = answers = answers.copy()
        answers["foretold"] = seen
        return _draw(request, site, dialog, subject, form, will=foretold, press=dialog.press)
    press = Press(by=actor, because=form.cleaned_data["because"], key=key.hex, data=form.cleaned_data)
    try:
        with transaction.atomic():
            done = dialog.pressed(subject, press)
    except Invalid as invalid:
        form.add_error(None, str(invalid))
        return _draw(request, site, dialog, subject, form)
    if done.shown:
        context = {**site.each_context(request), "title": dialog.title, "dialog": dialog, "done": done, "back": back}
        return _answer(request, "admin/dialogs/shown.html", context)
    messages.success(request, done.said)
    return _go(request, done.url or back)


def _mark(data: Mapping[str, Any], foretold: Sequence[str]) -> str:
    """Tells these answers and what was said of them from any others."""
    asked = sorted((name, str(value)) for name, value in data.items() if name not in ("because", "back", "foretold"))
    return hashlib.sha256(repr((asked, list(foretold))).encode()).hexdigest()[:32]


def _pressed_before(key: uuid.UUID) -> bool:
    """Two presses of one button go one after the other; the second finds the first in the audit log."""
    with connection.cursor() as cursor:
        number = zlib.crc32(key.bytes) - 2**31
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, number])
    return AuditEntry.objects.filter(at__gte=clock.now() - REMEMBERED, act=key).exists()


def _draw(request: HttpRequest, site: Any, dialog: Dialog, subject: Any, form: Any, **more: Any) -> HttpResponse:
    context = {
        **site.each_context(request),
        "title": dialog.title,
        "dialog": dialog,
        "subject": subject,
        "about": dialog.about(subject),
        "cannot": dialog.cannot(subject),
        "will": dialog.will(subject, request),
        "form": form,
        "back": form["back"].value(),
        "action": request.get_full_path(),
        "look": dialog.look,
        **dialog.more(subject, request),
        **more,
    }
    return _answer(request, dialog.template, context)


def _answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The dialog alone for the page that opened it, else on a page of its own."""
    if request.headers.get("HX-Request"):
        return TemplateResponse(request, template, context)
    return TemplateResponse(request, "admin/dialogs/page.html", {**context, "fragment": template})


def _go(request: HttpRequest, url: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)


def url_of(name: str, *args: Any) -> str:
    """An address of the desk, '' where there is none."""
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""
