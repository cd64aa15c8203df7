"""Dialogs about other systems that are told: their endpoints, and what is sent to them again."""

from collections.abc import Sequence
from datetime import timedelta

from django import forms
from django.http import HttpRequest

from profiles import clock
from profiles.actions import streams, webhooks
from profiles.models import Organization, WebhookDelivery, WebhookEndpoint
from support.admin.dialogs import Ask, Dialog, Done, Press, registered
from support.admin.lists import Many, counted

ON, OFF = WebhookEndpoint.State.ENABLED, WebhookEndpoint.State.DISABLED
OPEN = (WebhookDelivery.State.QUEUED, WebhookDelivery.State.CLAIMED)
SPANS = {"1": "the last hour", "24": "the last 24 hours", "72": "the last 3 days", "336": "the last 14 days"}
COPY = "Give it to whoever reads the webhooks: with it they check that a message is ours. It is not shown again."


def _waiting(endpoint: WebhookEndpoint) -> int:
    return WebhookDelivery.objects.filter(endpoint=endpoint, state__in=OPEN).count()


def _go_out(number: int) -> str:
    if not number:
        return "Nothing waits for it now."
    return f"{counted(number, 'delivery that waits goes', 'deliveries that wait go')} out within seconds."


class AskTopics(Ask):
    topics = forms.MultipleChoiceField(
        label="Topics",
        choices=[(topic, f"{topic}: {words[0].lower()}{words[1:]}") for topic, words in streams.TOPICS.items()],
        initial=[streams.NORMALIZED],
        help_text="Several with Ctrl or ⌘. Deliveries as they came hold everything a shop knows of a customer.",
    )

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self.fields["topics"].widget.attrs["size"] = len(streams.TOPICS)


class AskEndpoint(AskTopics):
    label = forms.CharField(label="Name", max_length=100, help_text="What it is, such as “warehouse”.")
    url = forms.CharField(
        label="Address", max_length=500, help_text="Where we post to, such as https://warehouse.example/hooks."
    )
    field_order = ("label", "url", "topics", "because")


@registered
class AddWebhook(Dialog):
    name, permission, model = "add_webhook", "connect", Organization
    title, button = "Add an endpoint", "Add endpoint"
    form = AskEndpoint
    inverse = "Switch it off."

    def about(self, subject: Organization) -> str:
        return subject.name

    def will(self, subject: Organization, request: HttpRequest) -> list[str]:
        return ["1 address is sent what happens from now on.", "1 secret is made that signs it, shown to you once."]

    def do(self, subject: Organization, press: Press) -> Done:
        data = press.data
        endpoint = webhooks.add(
            subject, name=data["label"], url=data["url"], topics=data["topics"], by=press.by, because=press.because
        )
        return Done(f"1 endpoint added: {endpoint.name}.", shown=endpoint.secret, note=COPY)


class OfEndpoint(Dialog):
    model, permission = WebhookEndpoint, "connect"

    def about(self, subject: WebhookEndpoint) -> str:
        return f"{subject.name}, {subject.url}"


@registered
class ChangeTopics(OfEndpoint):
    name, title, button = "webhook_topics", "Choose other topics", "Topics"
    form = AskTopics
    inverse = "Choose the former ones again."

    def prepare(self, form: AskTopics, subject: WebhookEndpoint, request: HttpRequest) -> None:
        if not form.is_bound:
            form.initial["topics"] = subject.topics

    def will(self, subject: WebhookEndpoint, request: HttpRequest) -> list[str]:
        return ["1 endpoint is sent these topics from now on.", "What waits already goes out."]

    def do(self, subject: WebhookEndpoint, press: Press) -> Done:
        endpoint = webhooks.change(subject, topics=press.data["topics"], by=press.by, because=press.because)
        return Done(f"{endpoint.name} is sent {counted(len(endpoint.topics), 'topic')} now.")


@registered
class RotateSecret(OfEndpoint):
    name, title, button = "rotate_webhook", "Give it a new secret", "New secret"
    inverse = "Not possible; rotate once more."

    def will(self, subject: WebhookEndpoint, request: HttpRequest) -> list[str]:
        return ["1 new secret signs from now on, shown to you once.", "The former one signs too for 24 hours."]

    def do(self, subject: WebhookEndpoint, press: Press) -> Done:
        endpoint = webhooks.rotate(subject, by=press.by, because=press.because)
        return Done("1 secret replaced. The former one signs too for 24 hours.", shown=endpoint.secret, note=COPY)


@registered
class DisableWebhook(OfEndpoint):
    name, title, button, danger = "disable_webhook", "Switch the endpoint off", "Switch off", True
    inverse = "Switch it on; what it missed is kept for 14 days and can be sent."

    def cannot(self, subject: WebhookEndpoint) -> str:
        return "It is switched off already." if subject.state == OFF else ""

    def will(self, subject: WebhookEndpoint, request: HttpRequest) -> list[str]:
        waiting = counted(_waiting(subject), "delivery", "deliveries")
        return [f"Nothing more is sent; {waiting} on the way stay until it is switched on."]

    def do(self, subject: WebhookEndpoint, press: Press) -> Done:
        webhooks.disable(subject, by=press.by, because=press.because)
        return Done(f"1 endpoint switched off: {subject.name}.")


@registered
class EnableWebhook(OfEndpoint):
    name, title, button = "enable_webhook", "Switch the endpoint on", "Switch on"
    inverse = "Switch it off."

    def cannot(self, subject: WebhookEndpoint) -> str:
        return "It is sending already." if subject.state == ON else ""

    def will(self, subject: WebhookEndpoint, request: HttpRequest) -> list[str]:
        return [_go_out(_waiting(subject)), "What happened while it was off is sent by “Send again”."]

    def do(self, subject: WebhookEndpoint, press: Press) -> Done:
        webhooks.enable(subject, by=press.by, because=press.because)
        return Done(f"1 endpoint switched on: {subject.name}. {_go_out(_waiting(subject))}")


@registered
class TestWebhook(OfEndpoint):
    name, title, button = "test_webhook", "Send a test event", "Send test"
    inverse = "Nothing to take back: it says that it is a test."

    def cannot(self, subject: WebhookEndpoint) -> str:
        return "It is switched off: switch it on first." if subject.state == OFF else ""

    def will(self, subject: WebhookEndpoint, request: HttpRequest) -> list[str]:
        return ["1 event of the type webhook.test is sent, by the way every event goes."]

    def do(self, subject: WebhookEndpoint, press: Press) -> Done:
        webhooks.test(subject, by=press.by, because=press.because)
        return Done("1 test event is on its way; the log shows the answer in a moment.")


class AskSince(Ask):
    since = forms.ChoiceField(label="What did not arrive in", choices=list(SPANS.items()), initial="24")


@registered
class ReplaySince(OfEndpoint):
    name, permission, title, button = "replay_webhook", "replay", "Send again what did not arrive", "Send again"
    form = AskSince
    inverse = "Not possible once it is sent; receivers know each event by its id and take none twice."

    def prepare(self, form: AskSince, subject: WebhookEndpoint, request: HttpRequest) -> None:
        now, choices = clock.now(), []
        for hours, words in SPANS.items():
            failed, missed = webhooks.not_arrived(subject, now - timedelta(hours=int(hours)))
            choices.append((hours, f"{words}: {failed} failed, {missed} never sent"))
        form.fields["since"].choices = choices  # type: ignore[attr-defined]

    def will(self, subject: WebhookEndpoint, request: HttpRequest) -> list[str]:
        return [
            "What failed for good in the span you choose is sent again, as many as it says there.",
            "What it was never sent, because it was off or new, is sent too.",
        ]

    def do(self, subject: WebhookEndpoint, press: Press) -> Done:
        since = clock.now() - timedelta(hours=int(press.data["since"]))
        failed, missed = webhooks.replay_since(subject, since, by=press.by, because=press.because)
        return Done(f"{counted(failed, 'failed delivery', 'failed deliveries')} and {missed} missed wait to be sent.")


class OfSending(Dialog):
    model, related = WebhookDelivery, ("endpoint", "entry")

    def about(self, subject: WebhookDelivery) -> str:
        return f"{subject.entry.type} to {subject.endpoint.name}"


@registered
class ReplayDelivery(OfSending):
    name, permission, title, button = "replay_sending", "replay", "Send it again", "Send again"
    inverse = "Not possible once it is sent; the receiver knows it by its id."

    def cannot(self, subject: WebhookDelivery) -> str:
        if subject.state in OPEN:
            return "It waits to be sent already."
        return "" if subject.entry.payload else "What it said is no longer kept."

    def will(self, subject: WebhookDelivery, request: HttpRequest) -> list[str]:
        return ["1 delivery is sent again, with the id and the words it had."]

    def do(self, subject: WebhookDelivery, press: Press) -> Done:
        webhooks.replay([subject.pk], by=press.by, because=press.because)
        return Done("1 delivery waits to be sent; that takes seconds.")


@registered
class ReplayMany(Many):
    name, permission, title, button = "replay_sendings", "replay", "Send these again", "Send the chosen again"

    def counted(self, ids: Sequence[int]) -> list[str]:
        ended = WebhookDelivery.objects.filter(pk__in=ids, state__in=webhooks.ENDED).exclude(entry__payload="").count()
        rest = len(ids) - ended
        said = f"{counted(ended, 'delivery is', 'deliveries are')} sent again, with the ids they had."
        stay = f"{counted(rest, 'delivery', 'deliveries')} of those chosen stay: they wait already, or are too old."
        return [said, *([stay] if rest else [])]

    def do(self, subject: Organization, press: Press) -> Done:
        count = webhooks.replay(press.data["ids"], by=press.by, because=press.because)
        return Done(f"{counted(count, 'delivery waits', 'deliveries wait')} to be sent; that takes seconds.")
