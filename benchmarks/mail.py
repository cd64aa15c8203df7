"""How soon are 500 mails sent after an outage, beside what the mail server itself takes on one connection?"""

import smtplib
import time
from email.message import EmailMessage

from benchmarks import rig
from tests.servers import MailServer

MAILS = 500


def main() -> None:
    with MailServer() as server, rig.installation():
        from django.conf import settings

        from config import mailing
        from fulfillment.models import Circuit, Email
        from profiles import bulk, clock, tenancy
        from profiles.actions import organizations
        from profiles.actors import Actor

        settings.EMAIL_PROVIDERS = ["smtp"]
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        organization = organizations.create(
            "bench", name="Bench", currency="EUR", region="DE", timezone="Europe/Berlin", by=Actor.system("benchmark")
        )
        written = [0]
        extra = [0]

        def queue() -> None:
            rows = [
                Email(
                    organization_id=organization.pk,
                    effect_key=f"bench:{written[0] + n}",
                    template=Email.Template.DELIVERY,
                    to=f"buyer{written[0] + n}@example.org",
                    subject="Your Tide Atlas",
                    text=TEXT,
                    html=f"<p>{TEXT}</p>",
                    message_id=f"<{written[0] + n}@bench.example>",
                )
                for n in range(MAILS)
            ]
            written[0] += MAILS
            with tenancy.organization(organization.pk):
                bulk.insert(Email, rows)

        def backlog() -> float:
            """Seconds from the server's return until all are sent; they are due, as the longest wait has them be."""
            server.stop()
            server.messages.clear()
            queue()
            for _ in range(3):
                mailing.outbox(organization.pk)
            server.start()
            Circuit.objects.all().delete()
            with tenancy.organization(organization.pk):
                Email.objects.filter(state=Email.State.QUEUED).update(due_at=clock.now())
            began = time.perf_counter()
            while mailing.outbox(organization.pk):
                pass
            took = time.perf_counter() - began
            ids = {message.message_id for message in server.messages}
            extra[0] += len(server.messages) - len(ids)
            if len(ids) != MAILS:
                raise SystemExit(f"{len(ids)} of {MAILS} mails arrived")
            return took

        def floor() -> float:
            server.messages.clear()
            message = EmailMessage()
            message["Subject"], message["From"], message["To"] = (
                "Your Tide Atlas",
                "shop@a.example",
                "buyer@example.org",
            )
            message.set_content(TEXT)
            message.add_alternative(f"<p>{TEXT}</p>", subtype="html")
            began = time.perf_counter()
            with smtplib.SMTP(server.host, server.port) as connection:
                for _ in range(MAILS):
                    connection.send_message(message)
            return time.perf_counter() - began

        found = rig.rounds({"backlog": backlog, "floor": floor})
        rig.emit(
            question=f"seconds until {MAILS} mails that waited for a mail server are sent, one worker; floor: smtplib"
            " on one connection to the same server",
            seconds={name: rig.spread(values) for name, values in found.items()},
            times_the_floor=rig.ratio(found["backlog"], found["floor"]),
            extra_copies=extra[0],
        )


TEXT = "Thank you for your order. Your download is ready: https://shop.example/download/" + "0" * 64

if __name__ == "__main__":
    main()
