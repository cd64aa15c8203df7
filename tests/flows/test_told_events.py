"""What other systems are told of customer events: as they were sent, and with whom they belong to."""

import json

from config import publishing
from profiles.actions import settlement
from profiles.models import Event, Profile, SettlementRequest, StreamEntry
from tests.events import event, tell
from tests.stage import Stage


def told(stage: Stage) -> list[StreamEntry]:
    with stage.inside():
        return list(StreamEntry.objects.filter(subject__startswith="event:").order_by("pk"))


def test_an_event_is_told_raw_and_with_its_customer(db: None) -> None:
    stage = Stage()
    tell(stage, event(1, "product_view", email=" ADA@Example.org "))
    stage.work()
    raw, known = told(stage)
    with stage.inside():
        customer = Profile.objects.get()
        bodies = {pk: json.loads(text) for pk, text in publishing.payloads_of([raw, known]).items()}
    assert (raw.topic, raw.type, raw.profile_id) == ("events.raw", "event.received", None)
    assert (known.topic, known.type, known.profile_id) == ("events.normalized", "product_view", customer.pk)
    assert bodies[raw.pk]["identifiers"] == {"email": " ADA@Example.org "} and "body" not in bodies[raw.pk]
    assert bodies[known.pk]["identifiers"] == ["email:ada@example.org"] and bodies[known.pk]["profile"] == customer.pk


def test_settled_again_it_is_told_no_more(db: None) -> None:
    stage = Stage()
    tell(stage, event(1, "product_view", email="ada@example.org"))
    stage.work()
    before = [entry.pk for entry in told(stage)]
    with stage.inside():
        SettlementRequest.objects.all().delete()
        settlement.request(stage.organization.pk, events=Event.objects.values_list("pk", flat=True))
    stage.work()
    assert [entry.pk for entry in told(stage)] == before and len(before) == 2
