"""What every board has in common: the range, channel and currency of its address, and links to the rows behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any
from urllib.parse import quote_plus, urlencode
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest

from attribution.models import Conversation
from orders import money
from orders.models import Channel, Order
from profiles.actors import Actor, NotPermitted
from profiles.models import Organization
from support import boards, ranges
from support.admin import exports
from support.admin.base import moment
from support.admin.dialogs import url_of
from support.analytics import Asked
from support.queries import month_reports
from support.ranges import Range

PERMISSION = "see_analytics"
BOARDS = (
    ("board", "Revenue"),
    ("cohorts", "Cohorts"),
    ("growth", "Growth"),
    ("funnel", "Funnel"),
)


@dataclass(frozen=True)
class Choice:
    """What one asks of a board, and the addresses that keep it."""

    organization: Organization
    span: Range
    currency: str
    channels: Sequence[Channel]
    currencies: Sequence[str]
    channel: Channel | None = None
    more: tuple[tuple[str, str], ...] = ()
    """What one board asks besides."""

    @classmethod
    def read(cls, request: HttpRequest, *, usual: str = ranges.USUAL, more: Sequence[str] = ()) -> "Choice":
        """`range` or `from` and `until`, `channel`, `currency`; what cannot be used falls back to the usual."""
        organization: Organization = request.organization  # type: ignore[attr-defined]
        given = request.GET
        channels = [
            row for row in Channel.objects.only("kind", "domain").order_by("kind", "domain") if row.kind not in TALKS
        ]
        currencies = month_reports.currencies(organization)
        currency, channel = given.get("currency", "").upper(), given.get("channel", "")
        return cls(
            organization=organization,
            span=_span(request, organization, usual),
            currency=currency if currency in money.EXPONENTS else organization.currency,
            channels=channels,
            currencies=currencies if currency not in money.EXPONENTS else sorted({currency, *currencies}),
            channel=next((row for row in channels if str(row.pk) == channel), None),
            more=tuple((name, given[name]) for name in more if given.get(name)),
        )

    @cached_property
    def asked(self) -> Asked:
        return Asked(
            organization_id=self.organization.pk,
            zone=self.organization.timezone,
            start=self.span.start,
            end=self.span.end,
            currency=self.currency,
            channels=None if self.channel is None else (self.channel.pk,),
        )

    @property
    def compared(self) -> Range | None:
        """The range before, as long as this one; none before everything."""
        if self.span.name == "all":
            return None
        before = self.asked.before
        return replace(self.span, start=before.start, end=before.end)

    # Addresses.

    def query(self, **changes: str) -> str:
        """This board's own query, with what is changed."""
        found: dict[str, str] = {}
        if self.span.name == ranges.OWN:
            found |= {"from": f"{self.span.start}", "until": f"{self.span.last}"}
        else:
            found["range"] = self.span.name
        found |= {"channel": str(self.channel.pk) if self.channel else "", "currency": self.currency}
        found |= dict(self.more)
        if changes.keys() & SPANS:
            found = {name: value for name, value in found.items() if name not in SPANS}
        return urlencode({name: value for name, value in {**found, **changes}.items() if value})

    def rows(self, page: str, days: tuple[date, date] | None = None, **more: Any) -> str:
        """A list of the desk, of these days (both included; of the whole range where none are given)."""
        first, last = days or (self.span.start, self.span.last)
        query = {"from": f"{first}", "until": f"{last}", **more}
        said = [f"{name}={quote_plus(str(value))}" for name, value in query.items() if value not in (None, "")]
        return f"{_list(page)}?{'&'.join(said)}"

    def orders(self, days: tuple[date, date] | None = None, **more: Any) -> str:
        """The orders behind a figure."""
        usual = {"currency": self.currency, "counted": "yes", "channel": self.channel.pk if self.channel else None}
        return self.rows("orders_order", days, **{**usual, **more})

    def conversations(self, days: tuple[date, date] | None = None, **more: Any) -> str:
        """The conversations behind a figure."""
        shop = self.channel.pk if self.channel else None
        return self.rows("attribution_conversation", days, shop=shop, **more)

    def events(self, step: str, days: tuple[date, date] | None = None, **more: Any) -> str:
        """The events that are counted as this step of the funnel."""
        usual = {"step": step, "currency": self.currency, "channel": self.channel.pk if self.channel else None}
        return self.rows("profiles_event", days, **{**usual, **more})

    def named(self, board: str) -> str:
        """The name of a file of these figures."""
        return f"{board}-{self.span.start}-{self.span.last}-{self.currency}"

    def text(self, minor: int) -> str:
        return money.to_text(minor, self.currency)


TALKS = Channel.TALKS
SPANS = {"range", "from", "until"}
"""What of an address says the days: one kind of it replaces the other."""


@cache
def _list(page: str) -> str:
    """The address of a list: a board of three years links to some thousand lists of rows."""
    return url_of(f"{page}_changelist")


def permitted(request: HttpRequest) -> Actor:
    """Who asks; refuses whose role does not include boards."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.may(PERMISSION):
        raise NotPermitted("Your role may not see revenue and growth. Each order's page says why it was bought.")
    return actor


def head(choice: Choice, actor: Actor, board: str) -> dict[str, Any]:
    """What stands above every board: the other boards, the ranges, the choice, and the files."""
    compared = choice.compared
    return {
        "choice": choice,
        "board": board,
        "boards": [
            {"name": words, "url": f"{url_of(name)}?{choice.query()}", "here": name == board} for name, words in BOARDS
        ],
        "presets": [
            {"words": words, "query": choice.query(range=name), "here": name == choice.span.name}
            for name, words in ranges.PRESETS.items()
        ],
        "span_words": choice.span.words,
        "compared_words": compared.words if compared else "",
        "exports": [(kind.upper(), choice.query(export=kind)) for kind in exports.KINDS] if actor.may("export") else [],
    }


def columns(
    choice: Choice, found: Iterable[tuple[tuple[date, date], int, int, int | None, str, str]]
) -> list[dict[str, Any]]:
    """The columns of a chart over time: (days, whole, part of it, before, what it says, where it leads)."""
    return drawn((step_words(days, choice.span.step), *rest) for days, *rest in found)


def drawn(found: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """The columns of a chart: (its name, whole, part of it, before or None, what it says, where it leads)."""
    rows = list(found)
    top = boards.ceiling(value for _, whole, _, before, _, _ in rows for value in (whole, before or 0))
    labels = boards.named(len(rows))
    return [
        {
            "whole": boards.height(whole, top),
            "part": boards.height(part, top),
            "before": boards.height(before, top) if before is not None else "",
            "label": name if number in labels else "",
            "days": name,
            "says": says,
            "url": url,
        }
        for number, (name, whole, part, before, says, url) in enumerate(rows)
    ]


def step_words(days: tuple[date, date], step: str) -> str:
    """12 Nov, or Nov 2026 for a month."""
    return f"{days[0]:%b %Y}" if step == "month" else f"{days[0]:%-d %b}"


def exported(request: HttpRequest) -> str:
    """The kind of file that is asked for, "" for a page; refuses whose role may not export."""
    kind = request.GET.get("export", "")
    if kind not in exports.KINDS:
        return ""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actor.require("export")
    return kind


def _span(request: HttpRequest, organization: Organization, usual: str) -> Range:
    zone = ZoneInfo(organization.timezone)
    name, since, until = (request.GET.get(key, "") for key in ("range", "from", "until"))
    today = moment().astimezone(zone).date()
    open_ended = name == "all" or (name not in ranges.PRESETS and not since and until) or (not name and usual == "all")
    first = _first_day(zone, today) if open_ended else today
    return ranges.chosen(name, since, until, today=today, first=first, usual=usual)


def _first_day(zone: ZoneInfo, today: date) -> date:
    """The day of the oldest order or conversation; each is one step down an index."""
    oldest: list[QuerySet[Any, datetime]] = [
        Order.objects.order_by("placed_at", "id").values_list("placed_at", flat=True),
        Conversation.objects.order_by("started_at", "id").values_list("started_at", flat=True),
    ]
    days = [at.astimezone(zone).date() for rows in oldest if (at := rows.first()) is not None]
    return max(min(days, default=today), ranges.EARLIEST)
