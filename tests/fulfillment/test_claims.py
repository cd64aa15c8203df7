"""Invitations, sign-in links and reminders: bounds, races, and what stops them."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import drains
from fulfillment import browsers, codes, tokens
from fulfillment.actions import bounces, claims, delivery_addresses, emails, entitlements, reminders
from fulfillment.actions.claims import Asker
from fulfillment.models import Claim, ClaimRoute, Email, Entitlement, LibrarySession
from orders.models import Channel, Order
from profiles import clock
from profiles.actions import merges
from profiles.actors import Actor
from profiles.models import AuditEntry, Identifier, Profile
from tests.faults.crowd import at_once
from tests.guests import BOB, Guest
from tests.servers import MailServer
from tests.stage import BY, Stage, sample


@pytest.fixture
def guest(db: None, smtp: MailServer) -> Guest:
    made = Guest(Stage(), smtp)
    made.buy()
    return made


def later(monkeypatch: pytest.MonkeyPatch, **by: float) -> None:
    monkeypatch.setattr(clock, "_offset", timedelta(**by))


# Bounds ----------------------------------------------------------------------------------------------------------


def test_only_hashes_are_stored_and_the_kept_mail_masks_the_link(guest: Guest) -> None:
    secrets = [guest.address_in(guest.last_mail())[7:], guest.ask()[7:]]
    with guest.stage.inside(), connection.cursor() as cursor:
        for table in ("fulfillment_claim", "fulfillment_claimroute", "fulfillment_email", "profiles_auditentry"):
            cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t")
            held = cursor.fetchone()[0]
            assert not [secret for secret in secrets if secret in held], table
        digests = {bytes(digest) for digest in ClaimRoute.objects.values_list("digest", flat=True)}
    assert digests == {tokens.digest(secret) for secret in secrets}


def test_a_sign_in_link_lives_ten_minutes_and_an_invitation_as_long_as_the_right(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    invitation, link = guest.address_in(guest.last_mail()), guest.ask()
    later(monkeypatch, minutes=11)
    expired = guest.client.get(link)
    assert expired.status_code == 410 and "has expired" in expired.content.decode()
    assert guest.client.post(link).status_code == 410
    later(monkeypatch, days=400)
    assert guest.client.get(invitation).status_code == 200


def test_an_hours_worth_of_links_is_limited_and_the_page_says_the_same(guest: Guest) -> None:
    invitation = guest.address_in(guest.last_mail())
    pages = [guest.client.post(invitation).content for _ in range(8)]
    assert len(set(pages)) == 1
    guest.stage.work()
    assert len(guest.smtp.to(BOB)) == 1 + claims.AN_HOUR_AT_MOST
    assert [guest.client.post(invitation).status_code for _ in range(5)][-1] == 429
    assert guest.client.get(invitation).status_code == 200


ODD = ["0" * 64, "x", "0" * 63, "%00", "é" * 64, "A" * 64, "auth0"]


@pytest.mark.parametrize("secret", ODD, ids=range(len(ODD)))
def test_what_is_no_address_of_ours_is_the_one_page_of_everything_unknown(db: None, secret: str) -> None:
    unknown = Client().get(f"/download/{'1' * 64}").content
    for path in (f"/claim/{secret}", f"/claim/address/{secret}"):
        for ask in (Client().get, Client().post):
            assert (ask(path).status_code, ask(path).content) == (404, unknown)
    assert Client().post(f"/claim/{secret}/renew").content == unknown
    assert Client().get(f"/library/{secret[:9]}/").status_code == 404


def test_another_site_cannot_press_the_button(guest: Guest) -> None:
    link = guest.ask()
    forged = guest.client.post(link, headers={"Sec-Fetch-Site": "cross-site"})
    assert forged.status_code == 200 and b"Open my library" in forged.content
    assert guest.client.post(link, headers={"Origin": "https://evil.example"}).status_code == 200
    with guest.stage.inside():
        assert not LibrarySession.objects.exists()
    opened = guest.client.post(link, headers={"Sec-Fetch-Site": "same-origin"})
    assert opened.status_code == 303 and opened["Location"] == "/library/lantern/"
    cookie = opened.cookies[f"library_{guest.stage.organization.pk}"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    assert (opened["Cache-Control"], opened["Referrer-Policy"]) == ("no-store, private", "no-referrer")


def test_a_mail_to_an_address_that_staff_typed_holds_no_invitation(guest: Guest) -> None:
    with guest.stage.inside():
        order = Order.objects.get()
        delivery_addresses.change(order, "other@example.org", by=BY, because="asked by phone")
        emails.resend(Entitlement.objects.select_related("order__channel").get(), by=BY, because="asked", key="k")
    guest.stage.work()
    (mail,) = guest.smtp.to("other@example.org")
    assert "/download/" in mail.text() and "/claim/" not in mail.text() + mail.text("html")


def test_a_stranger_finds_nothing_by_an_address_of_another_organization(guest: Guest) -> None:
    stranger = Stage("stranger")
    guest.client.post("/library/stranger/", {"email": BOB})
    stranger.work()
    guest.stage.work()
    assert len(guest.smtp.to(BOB)) == 1
    guest.open()
    assert b"Your e-mail address" in guest.client.get("/library/stranger/").content


def test_a_merge_takes_the_claim_along_and_its_undo_takes_it_back(guest: Guest) -> None:
    guest.buy(9002, customer={"email": "late@example.org"})
    guest.open()
    guest.stage.work()
    with guest.stage.inside():
        one, other = Profile.objects.order_by("pk")
        assert one.claimed_at and not other.claimed_at
        before = guest.stage.snapshot()
        merge = merges.merge_by_staff(one.pk, other.pk, by=BY, because="same card", verified=["card", "name"])
    guest.stage.work()
    assert {e["status"] for o in guest.stage.snapshot()["orders"] for e in o["entitlements"]} == {"active"}
    assert guest.client.get("/library/lantern/").status_code == 200
    with guest.stage.inside():
        merges.undo(merge, by=BY, because="a mistake")
        assert [bool(row.claimed_at) for row in Profile.objects.order_by("pk")] == [True, False]
    guest.stage.work()
    assert guest.stage.snapshot() == before | {"emails": guest.stage.snapshot()["emails"]}


def test_a_session_ends_with_its_customer_and_after_a_day_without_a_visit(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest.open()
    later(monkeypatch, hours=23)
    assert b"Receipts" in guest.client.get("/library/lantern/").content
    later(monkeypatch, hours=46)
    assert b"Receipts" in guest.client.get("/library/lantern/").content
    later(monkeypatch, hours=71)
    assert b"Receipts" not in guest.client.get("/library/lantern/").content
    ada = Guest(guest.stage, guest.smtp, "ada@example.org")
    ada.buy(9003)
    ada.open()
    with guest.stage.inside():
        one, other = Profile.objects.order_by("pk").values_list("pk", flat=True)
        merges.merge_by_staff(one, other, by=BY, because="one person", verified=["card", "name"])
    assert b"Receipts" not in ada.client.get("/library/lantern/").content, "no silent swap"


# Many at once ---------------------------------------------------------------------------------------------------


@pytest.fixture
def crowd(transactional_db: None, smtp: MailServer) -> Guest:
    made = Guest(Stage(), smtp)
    made.buy()
    return made


def press(guest: Guest, link: str) -> list[Any]:
    def once() -> Any:
        return Client().post(link).status_code

    return at_once([once] * 20, threads=8)


def test_of_twenty_presses_exactly_one_opens_the_library(crowd: Guest, settings: Any) -> None:
    link = crowd.ask()
    answers = press(crowd, link)
    # A link's presses are limited to twelve an hour; whatever is beyond never reaches it.
    assert answers.count(303) == 1 and set(answers) <= {303, 410, 429}
    with crowd.stage.inside():
        assert LibrarySession.objects.count() == 1


def test_without_the_conditional_update_many_would_open_it(crowd: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: looking first and writing afterwards."""

    def spend(claim: Claim) -> None:
        claims.check(claim)
        Claim.objects.filter(pk=claim.pk).update(used_at=clock.now())

    monkeypatch.setattr(claims, "spend", spend)
    press(crowd, crowd.ask())
    with crowd.stage.inside():
        assert LibrarySession.objects.count() > 1


# By the clock and by staff ---------------------------------------------------------------------------------------


def reminders_to(guest: Guest) -> int:
    guest.stage.work()
    return sum("waiting for you" in mail.subject for mail in guest.smtp.to(guest.address))


def test_one_reminder_after_a_week_and_one_after_three(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    guest.buy(9002, "EBOOK-HARB-EN")
    for days, sent in ((6, 0), (8, 1), (15, 1), (20, 1), (22, 2), (30, 2), (400, 2)):
        later(monkeypatch, days=days)
        assert reminders_to(guest) == sent, days
    text = guest.last_mail()
    assert guest.client.get(guest.address_in(text)).status_code == 200
    with guest.stage.inside():
        assert not Claim.objects.filter(remind_at__isnull=False).exists()


def test_a_claim_a_refund_a_bounce_and_a_made_up_shop_stop_reminders(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = {name: Guest(guest.stage, guest.smtp, f"{name}@example.org") for name in ("gone", "back", "made")}
    for number, one in enumerate(people.values()):
        one.buy(9100 + number)
    guest.open()
    with guest.stage.inside():
        mine = {e.profile.identifiers.get().value: e for e in Entitlement.objects.select_related("profile")}
        entitlements.revoke(mine["gone@example.org"], by=BY, because="refunded")
        bounces.record(Email.objects.get(to="back@example.org"), reason="no such person", at=clock.now(), by=BY)
        made = Profile.objects.get(identifiers__value="made@example.org")
        Channel.objects.update(made_up=True)
    people["late"] = Guest(guest.stage, guest.smtp, "late@example.org")
    people["late"].buy(9200)
    later(monkeypatch, days=8)
    assert [reminders_to(one) for one in people.values()] == [0, 0, 0, 0] and reminders_to(guest) == 0
    with guest.stage.inside():
        kept = Email.objects.get(template=Email.Template.REMINDER)
        assert (kept.profile_id, kept.state, kept.never_send) == (made.pk, Email.State.KEPT, True)
        assert Claim.objects.get(profile__identifiers__value="late@example.org").remind_at is None


def test_staff_mail_the_claim_link_once_a_press(guest: Guest) -> None:
    with guest.stage.inside():
        profile = Profile.objects.get()
        mails = {claims.send(profile, by=BY, because="asked in chat", key="one").pk for _ in range(3)}
        assert len(mails) == 1 and AuditEntry.objects.filter(action="claim.sent").count() == 1
        done = reminders.remind([profile.pk], by=BY, because="a week gone", key="two")
        again = reminders.remind([profile.pk], by=BY, because="a week gone", key="two")
        assert (len(done.sent), len(again.sent)) == (1, 0)
    guest.stage.work()
    assert guest.stage.snapshot()["emails"][0] == {"to": BOB, "template": "claim", "about": "library", "count": 1}
    assert guest.client.get(guest.address_in(guest.smtp.to(BOB)[1].text())).status_code == 200
    with guest.stage.inside():
        entitlements.revoke(Entitlement.objects.get(), by=BY, because="charged back")
        with pytest.raises(claims.NothingWaits):
            claims.send(profile, by=BY, because="asked again", key="three")


def test_one_mail_and_thirty_cost_the_same_queries(guest: Guest) -> None:
    def cost(numbers: range) -> int:
        for number in numbers:
            body = sample("api/order.json")
            body.update(external_id=f"n{number}", customer={"email": f"n{number}@example.org"})
            body["lines"] = [{**body["lines"][0], "sku": "EBOOK-TIDE-EN"}]
            assert guest.stage.post("api", body).status_code == 200
        drains.inbox(guest.stage.organization.pk)
        drains.settlements(guest.stage.organization.pk)
        with CaptureQueriesContext(connection) as captured:
            drains.fulfilment(guest.stage.organization.pk)
        asked = [one["sql"] for one in captured.captured_queries]
        return len([sql for sql in asked if "SAVEPOINT" not in sql and "clock_timestamp" not in sql])

    one, many = cost(range(1)), cost(range(1, 31))
    assert one == many
    with guest.stage.inside():
        assert Claim.objects.count() == 32


# Any order, any number of times -----------------------------------------------------------------------------------

STEPS = st.lists(st.sampled_from(["ask", "open newest", "open oldest", "look", "sign out"]), max_size=7)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_pressed_one_link_lives_and_each_opens_once(guest: Guest, steps: list[str]) -> None:
    with transaction.atomic():
        browser, links, opened = Client(), list[str](), 0
        with guest.stage.inside():
            profile = Profile.objects.get()
        for step in steps:
            with guest.stage.inside():
                if step == "ask" and (issued := claims.ask(profile, asker=Asker())):
                    links.append(f"/claim/{issued.secret}")
            if step.startswith("open") and links:
                link = links[-1] if step == "open newest" else links[0]
                opened += browser.post(link).status_code == 303
            if step == "look":
                assert {browser.get(link).status_code for link in links} <= {200, 303, 410}
            if step == "sign out":
                browser = Client()
            with guest.stage.inside():
                mine = Claim.objects.filter(kind=Claim.Kind.SIGN_IN)
                assert mine.filter(used_at__isnull=True, ended_at__isnull=True).count() <= 1
                assert LibrarySession.objects.count() == mine.filter(used_at__isnull=False).count() <= opened
                assert bool(Profile.objects.get().claimed_at) == LibrarySession.objects.exists()
        transaction.set_rollback(True)


# Small rules -----------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=12))
def test_only_the_code_itself_matches(typed: str) -> None:
    code = codes.make()
    kept = codes.digest(code, about="a", key="k")
    assert codes.matches(f" {code[:3]}-{code[3:]} ", about="a", key="k", kept=kept)
    assert codes.matches(typed, about="a", key="k", kept=kept) == (
        typed.replace(" ", "").replace("-", "").strip() == code
    )
    assert not codes.matches(code, about="b", key="k", kept=kept)
    assert not codes.matches(code, about="a", key="other", kept=kept)


@pytest.mark.parametrize(
    ("agent", "named"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0", "Firefox (Windows)"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Safari/604.1", "Safari (iPhone)"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130", "Edge (Linux)"),
        ("curl/8", ""),
        ("", ""),
    ],
)
def test_a_browser_has_a_name_that_people_use(agent: str, named: str) -> None:
    assert browsers.named(agent) == named


def test_the_address_chosen_for_mail_comes_first_and_a_retired_one_never(guest: Guest) -> None:
    with guest.stage.inside():
        profile = Profile.objects.get()
        assert claims.address_of(profile.pk) == BOB
        Identifier.objects.update(retired_at=clock.now())
        assert claims.address_of(profile.pk) == "" and claims.ask(profile, asker=Asker()) is None
        assert claims.reach(profile).cannot == "There is no usable e-mail address on record."
    assert Actor.customer().may("revoke") is False
