"""A second address by its owner's proof, and the change of the address for mail in two steps (SPEC SUP-14)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from fulfillment.actions import claims, email_changes
from fulfillment.models import EmailChange, Entitlement, LibrarySession
from orders.models import Order, ProfileTotal
from profiles import clock
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry, Identifier, Merge, Profile, Review, Separation
from tests.guests import BOB, Guest
from tests.servers import MailServer
from tests.stage import BY, Stage

ADDRESSES = "/library/lantern/addresses"
NEW, OTHER = "bob.new@example.org", "robert@example.org"
AGENT = Actor(label="Lou", role="agent", user_id=None)
State = EmailChange.State


@pytest.fixture
def guest(db: None, smtp: MailServer) -> Guest:
    made = Guest(Stage(), smtp)
    made.buy()
    return made


@pytest.fixture
def inside(guest: Guest) -> Guest:
    """The guest with their library open."""
    guest.open()
    guest.stage.work()
    return guest


def later(monkeypatch: pytest.MonkeyPatch, **by: float) -> None:
    monkeypatch.setattr(clock, "_offset", timedelta(**by))


def act(guest: Guest, **data: str) -> Any:
    return guest.client.post(ADDRESSES, data, follow=True)


def code(guest: Guest, address: str) -> str:
    guest.stage.work()
    found = re.search(r"^(\d{6})\s*$", guest.smtp.to(address)[-1].text(), re.MULTILINE)
    assert found
    return found[1]


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 10**6:06}"


def profile(guest: Guest) -> Profile:
    with guest.stage.inside():
        return Profile.objects.get(merged_into__isnull=True)


def sent(guest: Guest, address: str, words: str) -> list[str]:
    guest.stage.work()
    return [mail.text() for mail in guest.smtp.to(address) if words in mail.text()]


# A second address -----------------------------------------------------------------------------------------------


def test_an_address_of_nobody_is_added_by_its_code_and_signs_in_from_then_on(inside: Guest) -> None:
    assert "Six digits are on their way" in act(inside, act="add", email=OTHER).content.decode()
    digits = code(inside, OTHER)
    with inside.stage.inside():
        kept = inside.stage.organization.pk
        assert digits not in str(list(AuditEntry.objects.values_list("details", flat=True))) and kept
    assert act(inside, act="code", code=wrong(digits)).status_code == 400
    assert "yours now" in act(inside, act="code", code=f"{digits[:3]} {digits[3:]}").content.decode()
    assert act(inside, act="code", code=digits).status_code == 400, "a code works once"
    inside.stage.work()
    (person,) = inside.stage.snapshot()["profiles"]
    assert person["identifiers"] == [f"email:{BOB}", f"email:{OTHER}"] and person["strength"] == 20
    browser = Client()
    browser.post("/library/lantern/", {"email": OTHER})
    link = inside.address_in(sent(inside, OTHER, "/claim/")[-1])
    assert browser.post(link).status_code == 303


def test_an_address_of_another_customer_makes_one_of_both(inside: Guest) -> None:
    other = Guest(inside.stage, inside.smtp, OTHER)
    other.buy(9002, "EBOOK-HARB-EN")
    act(inside, act="add", email=OTHER)
    assert act(inside, act="code", code=code(inside, OTHER)).status_code == 200
    inside.stage.work()
    with inside.stage.inside():
        merge = Merge.objects.get()
        assert not merge.automatic and merge.actor_label == "The customer" and len(merge.verified) == 2
        total = ProfileTotal.objects.get()
        assert (total.profile_id, total.orders) == (merge.survivor_id, 2)
        assert {row.status for row in Entitlement.objects.all()} == {"active"}
    library = inside.client.get("/library/lantern/").content.decode()
    assert "Tide Atlas" in library and "Harbour Sketches" in library


def test_the_younger_of_both_goes_on_in_a_session_of_the_elder(inside: Guest) -> None:
    younger = Guest(inside.stage, inside.smtp, OTHER)
    younger.buy(9002, "EBOOK-HARB-EN")
    younger.open()
    act(younger, act="add", email=BOB)
    act(younger, act="code", code=code(younger, BOB))
    assert "Tide Atlas" in younger.client.get("/library/lantern/").content.decode()


@pytest.mark.parametrize("doubt", ["kept apart", "two cards"])
def test_where_both_cannot_be_one_a_person_decides(inside: Guest, doubt: str) -> None:
    Guest(inside.stage, inside.smtp, OTHER).buy(9002, "EBOOK-HARB-EN")
    with inside.stage.inside():
        one, other = Profile.objects.order_by("pk")
        if doubt == "kept apart":
            Separation.objects.create(organization=inside.stage.organization, low=one, high=other, at=clock.now())
        else:
            for number, row in enumerate((one, other)):
                Identifier.objects.create(
                    organization=inside.stage.organization, kind="loyalty", value=f"default:C{number}", profile=row
                )
    act(inside, act="add", email=OTHER)
    page = act(inside, act="code", code=code(inside, OTHER))
    assert "look at this by hand" in page.content.decode()
    with inside.stage.inside():
        assert not Merge.objects.exists() and Review.objects.get().kind == (
            "separated" if doubt[0] == "k" else "conflict"
        )


def test_five_wrong_tries_end_a_code_and_codes_are_limited(inside: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    act(inside, act="add", email=OTHER)
    digits = code(inside, OTHER)
    for _ in range(5):
        assert act(inside, act="code", code=wrong(digits)).status_code == 400
    assert act(inside, act="code", code=digits).status_code == 400
    act(inside, act="add", email=OTHER)
    digits = code(inside, OTHER)
    later(monkeypatch, minutes=11)
    assert act(inside, act="code", code=digits).status_code == 400
    assert [act(inside, act="add", email=OTHER).status_code for _ in range(2)] == [200, 429]
    assert act(inside, act="add", email="no address").status_code == 400
    with inside.stage.inside():
        assert Identifier.objects.count() == 1


# The customer changes it ----------------------------------------------------------------------------------------


def test_the_customers_change_takes_effect_with_the_code_and_keeps_the_old_one_as_identifier(inside: Guest) -> None:
    act(inside, act="change", email=NEW)
    digits = code(inside, NEW)
    notice = sent(inside, BOB, "This was not me")
    assert len(notice) == 1 and digits not in notice[0]
    page = act(inside, act="confirm", code=digits)
    assert "new address from now on" in page.content.decode()
    with inside.stage.inside():
        person = Profile.objects.get()
        assert claims.address_of(person.pk) == NEW == claims.address_of(person.pk, preferred=BOB)
        assert Order.objects.get().mail_to == BOB, "the order's own address stays"
    assert inside.stage.snapshot()["profiles"][0]["identifiers"] == [f"email:{NEW}", f"email:{BOB}"]
    Client().post("/library/lantern/", {"email": BOB})
    assert len(sent(inside, NEW, "works once")) == 1, "a sign-in link goes to the new one"
    # A veto by the former address takes it back, and everybody has to sign in again.
    veto = inside.address_in(notice[0])
    stranger = Client()
    for look in (stranger.get, stranger.head):
        assert look(veto).status_code == 200
    assert "No, stop it" in stranger.get(veto).content.decode()
    assert "was stopped" in stranger.post(veto).content.decode()
    with inside.stage.inside():
        assert claims.address_of(profile(inside).pk) == BOB
        assert EmailChange.objects.get().state == State.VETOED
        assert not LibrarySession.objects.filter(ended_at__isnull=True).exists()
    assert stranger.post(veto).status_code == 200, "a second press changes nothing"


def test_what_is_not_delivered_goes_along_only_if_asked(inside: Guest) -> None:
    with inside.stage.inside():
        from fulfillment.models import Job

        Job.objects.update(state=Job.State.FAILED)
    act(inside, act="change", email=NEW, moves_orders="yes")
    act(inside, act="confirm", code=code(inside, NEW))
    with inside.stage.inside():
        assert Order.objects.get().mail_to == NEW


# Staff begin it -------------------------------------------------------------------------------------------------


def begin(guest: Guest, *points: str, by: Actor = AGENT, to: str = NEW) -> EmailChange:
    with guest.stage.inside():
        return email_changes.start_by_staff(
            Profile.objects.get(), to, by=by, because="asked by phone", points=points or (BOB, "9001")
        )


def test_staff_need_two_data_points_on_record_a_right_and_an_address_of_nobody(guest: Guest) -> None:
    for points in ((BOB,), (BOB, BOB.upper()), (BOB, "made up"), ("", "")):
        with pytest.raises(Invalid):
            begin(guest, *points)
    with pytest.raises(NotPermitted):
        begin(guest, by=Actor(label="A", role="auditor"))
    with guest.stage.inside():
        assert not EmailChange.objects.exists()
    begin(guest)
    Guest(guest.stage, guest.smtp, OTHER).buy(9002)
    with guest.stage.inside(), pytest.raises(Invalid, match="merge them instead"):
        bob = Profile.objects.get(identifiers__value=BOB)
        email_changes.start_by_staff(bob, OTHER, by=AGENT, because="asked", points=(BOB, "9001"))


def test_a_change_by_staff_waits_for_the_code_and_a_day(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(guest)
    digits = code(guest, NEW)
    path = guest.address_in(sent(guest, NEW, "Enter the code")[0])
    customer = Client()
    assert customer.get(path).status_code == 200 and customer.post(path, {"code": wrong(digits)}).status_code == 400
    later(monkeypatch, hours=1)
    assert "unless the former address objects" in customer.post(path, {"code": digits}).content.decode()
    for hours, address in ((23, BOB), (25, NEW)):
        later(monkeypatch, hours=hours)
        guest.stage.work()
        with guest.stage.inside():
            assert claims.address_of(Profile.objects.get().pk) == address, hours
    with guest.stage.inside():
        assert EmailChange.objects.get().state == State.DONE
        assert AuditEntry.objects.get(action="email_change.started").reason == "asked by phone"


def test_a_veto_stops_a_change_by_staff_for_good(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    row = begin(guest)
    digits = code(guest, NEW)
    path = guest.address_in(sent(guest, NEW, "Enter the code")[0])
    Client().post(guest.address_in(sent(guest, BOB, "Our staff began it")[0]))
    page = Client().post(path, {"code": digits})
    assert "was stopped" in page.content.decode()
    with guest.stage.inside():
        assert not email_changes.count_try(row, digits)
        with pytest.raises(email_changes.NotAllowed):
            email_changes.confirm(row)
    later(monkeypatch, hours=30)
    guest.stage.work()
    with guest.stage.inside():
        assert (EmailChange.objects.get().state, claims.address_of(row.profile_id)) == (State.VETOED, BOB)
        assert Identifier.objects.count() == 1


def test_without_the_code_a_change_lapses_and_a_newer_one_takes_its_place(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = begin(guest), begin(guest, to=OTHER)
    later(monkeypatch, hours=25)
    guest.stage.work()
    with guest.stage.inside():
        states = dict(EmailChange.objects.values_list("pk", "state"))
        assert states == {first.pk: State.REPLACED, second.pk: State.EXPIRED}
        assert claims.address_of(first.profile_id) == BOB
    path = guest.address_in(sent(guest, OTHER, "Enter the code")[0])
    assert Client().get(path).status_code == 410
    assert BY.is_person is False
