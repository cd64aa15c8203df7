"""Writes mails in an organization's own words where these can be used, else in the built-in ones, and says why.

Own words never stop a mail: what may stand in them can have changed since they were kept.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

from fulfillment import wordings
from fulfillment.actions import phrasing
from fulfillment.actions.letters import Letter
from fulfillment.actions.phrasing import Saying
from fulfillment.models import MailTemplate
from fulfillment.queries import mail_templates as kept
from fulfillment.wordings import Wording
from profiles import clock

log = logging.getLogger(__name__)


@dataclass
class Words:
    """An organization's own words for the mails of one batch; asked for with the first mail, by one query."""

    sorts: Collection[str]
    _judged: dict[tuple[str, str], tuple[Wording | None, str]] = field(default_factory=dict)

    def write(self, saying: Saying) -> Letter:
        """This mail, with `instead` saying why it is not in the organization's own words where it has some."""
        key = (saying.sort, saying.language)
        if key not in self._judged:
            row = self._rows.get(key)
            self._judged[key] = judged(saying.sort, Wording(row.subject, row.body) if row else None)
        own, fault = self._judged[key]
        return replace(phrasing.write(saying, own), instead=fault)

    def note(self) -> None:
        """Keep since when mails go out in the built-in words instead; no statement where none does."""
        rows = [self._rows[key] for key, (_, fault) in self._judged.items() if fault]
        if fresh := [row.pk for row in rows if row.unusable_at is None]:
            MailTemplate.objects.filter(pk__in=fresh, unusable_at__isnull=True).update(unusable_at=clock.now())
        for row in rows:
            log.warning("mail_template.unusable", extra={"template": row.template, "language": row.language})

    @cached_property
    def _rows(self) -> dict[tuple[str, str], MailTemplate]:
        return kept.versions_that_count(self.sorts)


@contextmanager
def batch(*sorts: str) -> Iterator[Words]:
    """The own words for mails of these sorts; what cannot be used any more is noted when the batch is written."""
    words = Words(sorts)
    yield words
    words.note()


def write(saying: Saying) -> Letter:
    """A single mail in the organization's own words where they can be used; one query."""
    with batch(saying.sort) as words:
        return words.write(saying)


def judged(sort: str, own: Wording | None) -> tuple[Wording | None, str]:
    """An organization's own words if they can still be used, else the sentence that says why they cannot."""
    if own is None:
        return None, ""
    try:
        return wordings.checked(sort, own), ""
    except wordings.Unusable as fault:
        return None, str(fault)
