"""A guest with a browser and a mailbox, and the shop they bought from."""

import re
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from tests.servers import MailServer
from tests.stage import Stage, sample

BOB = "bob@example.org"


@dataclass
class Guest:
    """A guest with a browser and a mailbox, and the shop they bought from."""

    stage: Stage
    smtp: MailServer
    address: str = BOB
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    def buy(self, number: int = 9001, sku: str = "EBOOK-TIDE-EN", **changes: Any) -> None:
        body = sample("api/order.json")
        customer = {"email": self.address, "name": "Bob Larsen"}
        body.update(external_id=f"api-{number}", number=f"#{number}", customer=customer)
        body["lines"] = [{**body["lines"][0], "sku": sku, "title": ""}]
        body.update(changes)
        assert self.stage.post("api", body).status_code == 200
        self.stage.work()

    def last_mail(self) -> str:
        return self.smtp.to(self.address)[-1].text()

    def address_in(self, text: str, kind: str = "claim") -> str:
        found = re.search(rf"http://testserver(/{kind}/(?:address/)?[0-9a-f]{{64}})", text)
        assert found, text
        return found[1]

    def ask(self) -> str:
        """Press the invitation's button, and take the sign-in link from the mailbox."""
        invitation = next(mail.text() for mail in self.smtp.to(self.address) if "one place" in mail.text())
        answer = self.client.post(self.address_in(invitation))
        assert answer.status_code == 200, answer.content
        self.stage.work()
        return self.address_in(self.last_mail())

    def open(self) -> Any:
        answer = self.client.post(self.ask(), follow=True)
        assert answer.status_code == 200, answer.content
        return answer
