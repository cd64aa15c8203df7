"""The rules of identity at the desk: foretold before they are pressed, and values used again."""

import uuid
from typing import Any

from django.contrib.messages import get_messages
from django.test import Client

from profiles import rules
from profiles.models import Identifier, Organization, Profile
from support.admin.acts_of_identity import NUMBERS
from tests.desk import Desk, Sign


def answers(**more: Any) -> dict[str, Any]:
    usual = rules.Rules()
    numbers = {f"{name}_{kind}": number for name in NUMBERS for kind, number in getattr(usual, name).items()}
    return {
        **numbers,
        "priority": ", ".join(usual.priority),
        "blocked": "",
        "because": "the till",
        "act": str(uuid.uuid4()),
        **more,
    }


def address(desk: Desk) -> str:
    with desk.inside():
        return str(Identifier.objects.filter(kind="email", status="active").order_by("pk").first().value)  # type: ignore[union-attr]


def press(desk: Desk, client: Client, **more: Any) -> Any:
    return client.post(desk.act("identity_rules", desk.stage.organization.pk), answers(**more))


def test_a_change_is_foretold_in_numbers_and_done_by_the_second_press(desk: Desk, sign: Sign) -> None:
    client, blocked = sign("lead"), address(desk)
    first = press(desk, client, blocked=blocked)
    assert "Identifiers that join nobody any more: 1." in first.context["will"]
    with desk.inside():
        assert Organization.objects.get().blocked == []
    key = first.context["form"]["foretold"].value()
    answer = press(desk, client, blocked=blocked, foretold=key, act=first.context["form"]["act"].value())
    assert answer.status_code == 302
    assert "The rules are changed. Identifiers that join nobody any more: 1." in " ".join(
        map(str, get_messages(answer.wsgi_request))
    )
    with desk.inside():
        assert Organization.objects.get().blocked == [blocked]
        assert Identifier.objects.get(value=blocked).status == "blocked"


def test_what_was_foretold_of_other_answers_does_nothing(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    key = press(desk, client, blocked="*@kiosk.example").context["form"]["foretold"].value()
    answer = press(desk, client, blocked=address(desk), foretold=key)
    assert answer.status_code == 200 and answer.context["will"]
    with desk.inside():
        assert Organization.objects.get().blocked == []


def test_what_makes_no_sense_is_said_in_a_sentence(desk: Desk, sign: Sign) -> None:
    client = sign("lead")
    for wrong, says in ({"priority": "email, phone"}, "priority"), ({"blocked": "*"}, "everybody"):
        answer = press(desk, client, **wrong)
        assert answer.status_code == 200 and says in str(answer.context["form"].non_field_errors())


def test_a_value_set_aside_is_listed_with_why_and_used_again(desk: Desk, sign: Sign) -> None:
    client, blocked = sign("lead"), address(desk)
    first = press(desk, client, blocked=blocked)
    form = first.context["form"]
    press(desk, client, blocked=blocked, foretold=form["foretold"].value(), act=form["act"].value())
    page = client.get("/admin/profiles/identifier/").content.decode()
    assert blocked in page and "It is on the block list" in page and "Use again" in page
    with desk.inside():
        row = Identifier.objects.get(value=blocked)
        Organization.objects.update(blocked=[])
    assert desk.press(client, "take_back", row.pk).status_code == 302
    with desk.inside():
        again = Identifier.objects.get(value=blocked)
        assert again.status == "active" and Profile.objects.filter(pk=again.profile_id or 0).exists()


def test_an_agent_is_refused(desk: Desk, sign: Sign) -> None:
    answer = press(desk, sign("agent"), blocked="x")
    assert "may not do this" in " ".join(map(str, get_messages(answer.wsgi_request)))
