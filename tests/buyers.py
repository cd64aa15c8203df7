"""Somebody who bought just now, for the tests of what is written to them afterwards."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fulfillment.models import DownloadSession, Email, Followup
from orders.models import Order
from profiles import clock
from profiles.actions import policies
from tests.guests import Guest
from tests.servers import MailServer
from tests.stage import BY, Stage

EVERYTHING = {
    kind: {"on": True} for kind in ("reminder", "checkin", "review", "cross_sell", "upsell", "kickoff", "intake")
}


@dataclass
class Buyer(Guest):
    """A guest who bought an hour ago."""

    def buy(self, number: int = 9001, sku: str = "EBOOK-TIDE-EN", **changes: Any) -> None:
        """One paid order, placed an hour before now unless `ago` says otherwise."""
        ago: timedelta = changes.pop("ago", timedelta(hours=1))
        placed = clock.real() - ago
        # Told at its own moment: of two words within one second the later one counts.
        told = {"placed_at": placed.strftime("%Y-%m-%dT%H:%M:%SZ"), "updated_at": clock.real().isoformat()}
        super().buy(number, sku, **{**told, **changes})

    def order(self, number: int = 9001) -> Order:
        with self.stage.inside():
            return Order.objects.get(external_id=f"api-{number}")

    def subjects(self) -> list[str]:
        return [str(mail.subject) for mail in self.smtp.to(self.address)]

    def rows(self) -> dict[str, str]:
        """Each follow-up's state, with why."""
        with self.stage.inside():
            return _told(Followup.objects.order_by("pk"))

    def rows_of(self, address: str) -> dict[str, str]:
        """The same of whoever is known by this address."""
        with self.stage.inside():
            return _told(Followup.objects.filter(profile__identifiers__value=address).order_by("pk"))

    def download(self) -> None:
        """Press the button of the link in the newest mail."""
        text = self.last_mail()
        found = re.search(r"http://testserver(/download/[0-9a-f]{64})", text)
        assert found, text
        assert self.client.post(found[1]).status_code in (200, 302, 303)
        with self.stage.inside():
            assert DownloadSession.objects.exists()

    def mails(self, template: str) -> int:
        with self.stage.inside():
            return Email.objects.filter(template=template).count()


def _told(rows: Iterable[Followup]) -> dict[str, str]:
    return {f"{row.kind}": f"{row.state} {row.why}".strip() for row in rows}


def terms(stage: Stage, **kinds: Any) -> None:
    """The organization's own terms of follow-ups."""
    with stage.inside():
        policies.change(stage.organization, "followups", kinds or EVERYTHING, by=BY, because="The test")


def buyer(stage: Stage, smtp: MailServer, address: str = "bob@example.org") -> Buyer:
    return Buyer(stage, smtp, address)
