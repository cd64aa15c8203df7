"""Days, moments and amounts as the pages' languages write them; times in UTC, and said so where it matters."""

from datetime import UTC, datetime

from django import template
from django.utils.formats import date_format, get_format
from django.utils.translation import pgettext

register = template.Library()


@register.filter
def day(at: datetime | None) -> str:
    """ "7 December 2026"; '' for none."""
    return date_format(at.astimezone(UTC), pgettext("date", "j F Y")) if at else ""


@register.filter
def moment(at: datetime | None) -> str:
    """ "7 December 2026, 14:05 UTC"; '' for none."""
    written = pgettext("date", "j F Y, H:i")
    return f"{date_format(at.astimezone(UTC), written)} UTC" if at else ""


@register.filter
def amount(text: str) -> str:
    """ "89,99 EUR" of "89.99 EUR", where the language has it so: the same digits, never rounded."""
    return text.replace(".", get_format("DECIMAL_SEPARATOR"))
