"""Likely the same and why one person: who sees what, what is told, what it costs, what the dialogs say first."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from attribution.models import Conversation
from orders.models import Order
from profiles import clock
from profiles.actions import cuts, likenesses, merges
from profiles.models import Cut, Identifier, Likeness, Merge, Profile, Review, Role, Separation, Suggestion
from support import pictures
from support.queries import alike, graphs, shares
from tests.desk import Desk, Sign
from tests.stage import BY, Stage, sample
from tests.support.test_lists import said

HOME = {"street": "Hauptstr. 5", "postcode": "20095", "city": "Hamburg"}
PHONE = "+4915112345678"


def buy(desk: Desk, number: int, **customer: Any) -> Profile:
    body = sample("api/order.json") | {"external_id": f"I-{number}", "number": f"#I{number}", "customer": customer}
    assert desk.stage.post("api", body, delivery=f"i{number}").status_code == 200
    desk.stage.work()
    with desk.inside():
        return Profile.objects.get(orders__external_id=f"I-{number}")


def look(desk: Desk) -> None:
    with desk.inside():
        Likeness.objects.filter(due_at__isnull=False).update(due_at=clock.real() - timedelta(seconds=1))
    desk.stage.work()


NAMES = {1: ("Zoe", "Quist"), 11: ("Tilda", "Moreau"), 21: ("Pavel", "Kowalski"), 31: ("Greta", "Lindgren")}


def twins(desk: Desk, number: int = 1) -> Suggestion:
    """One person as two customers, suggested."""
    (given, family), home = NAMES[number], {**HOME, "street": f"Weg {number * 7}", "postcode": f"{number}9{number}1"}
    home = HOME if number == 1 else {**home, "city": family}
    box = f"{given}.{family}{number}".lower()
    one = buy(desk, number, email=f"{box}@gmail.com", name=f"{given} {family}", address=home)
    other = box.replace(".", "") + "@googlemail.com"
    buy(desk, number + 1, email=other, name=f"{family}, {given}", address=home)
    look(desk)
    with desk.inside():
        return Suggestion.objects.get(low=one, band="almost_certain")


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len([query for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]])


def why(desk: Desk, pk: int) -> str:
    return desk.url("profiles_profile_why", pk)


# Likely the same --------------------------------------------------------------------------------------------------


def test_the_list_says_how_sure_and_why_and_leads_to_the_pair(desk: Desk, sign: Sign) -> None:
    pair = twins(desk)
    client = sign("lead")
    page = client.get(desk.url("profiles_suggestion_changelist")).content.decode()
    assert "Almost certain" in page and "Same mailbox, spelled another way, same address, same name" in page
    assert desk.url("profiles_suggestion_change", pair.pk) in page
    assert b"No pair waits" in client.get(desk.url("profiles_suggestion_changelist"), {"state": "merged"}).content


def test_the_pair_stands_side_by_side_with_every_finding(desk: Desk, sign: Sign) -> None:
    pair = twins(desk)
    page = sign("lead").get(desk.url("profiles_suggestion_change", pair.pk)).content.decode()
    for words in ("zoe.quist1@gmail.com", "zoequist1@googlemail.com", "Hauptstr. 5, 20095 Hamburg", "+13", "28 points"):
        assert words in page, words
    assert f"{desk.act('merge', pair.low_id)}?other={pair.high_id}" in page
    assert desk.act("dismiss_suggestion", pair.pk) in page and desk.act("reopen_suggestion", pair.pk) not in page


def test_whoever_works_through_the_queue_is_led_to_the_next(desk: Desk, sign: Sign) -> None:
    first, second = twins(desk), twins(desk, 11)
    client = sign("lead")
    page = client.get(desk.url("profiles_suggestion_change", second.pk)).content.decode()
    assert desk.url("profiles_suggestion_change", first.pk) in page
    answer = desk.press(client, "dismiss_suggestion", second.pk)
    assert said(answer) == "1 pair parted." and answer["Location"] == desk.url("profiles_suggestion_change", first.pk)
    answer = desk.press(client, "dismiss_suggestion", first.pk, separate="on")
    assert answer["Location"] == desk.url("profiles_suggestion_changelist")
    with desk.inside():
        assert Separation.objects.count() == 1
        assert alike.after(first) is None


def test_a_merge_from_the_pair_stays_in_the_queue(desk: Desk, sign: Sign) -> None:
    pair, client = twins(desk), sign("lead")
    url = f"{desk.act('merge', pair.low_id)}?other={pair.high_id}"
    back = desk.url("profiles_suggestion_change", pair.pk)
    opened = client.get(url, {"other": str(pair.high_id), "back": back})
    told = opened.content.decode()
    assert "Same mailbox, spelled another way" in told and "Together: 2 orders" in told
    act = str(opened.context["form"]["act"].value())
    points = {"first_point": "same home", "second_point": "same card", "other": pair.high_id}
    answer = client.post(url, {"because": "one person", "act": act, "back": back, **points})
    assert answer["Location"] == back
    page = client.get(back).content.decode()
    assert "Merged: one person" in page and f"merged into customer {pair.low_id}" in page


def test_a_dismissal_is_taken_back_in_the_desk(desk: Desk, sign: Sign) -> None:
    pair, client = twins(desk), sign("lead")
    desk.press(client, "dismiss_suggestion", pair.pk, separate="on")
    assert "Already decided" in client.get(desk.act("dismiss_suggestion", pair.pk)).content.decode()
    opened = client.get(desk.act("reopen_suggestion", pair.pk)).content.decode()
    assert "do-not-link that came with the decision is lifted" in opened
    assert said(desk.press(client, "reopen_suggestion", pair.pk)) == "1 pair is suggested again."
    with desk.inside():
        assert Suggestion.objects.get().state == "open" and not Separation.objects.exists()


def test_the_customer_page_and_the_first_page_point_to_it(desk: Desk, sign: Sign) -> None:
    pair, client = twins(desk), sign("lead")
    page = client.get(desk.url("profiles_profile_change", pair.high_id)).content.decode()
    assert "Possibly the same as" in page and desk.url("profiles_suggestion_change", pair.pk) in page
    assert 'data-need="alike"' in client.get(desk.url("index")).content.decode()


@pytest.mark.parametrize("role", Role.values)
def test_only_who_may_merge_gets_the_buttons(desk: Desk, sign: Sign, role: str) -> None:
    pair, client = twins(desk), sign(role)
    page = client.get(desk.url("profiles_suggestion_change", pair.pk)).content.decode()
    told = client.get(why(desk, pair.low_id)).content.decode()
    with desk.inside():
        identifier = Identifier.objects.filter(profile=pair.low_id).earliest("pk")
    may = role in ("lead", "engineer")
    assert (desk.act("dismiss_suggestion", pair.pk) in page) is may
    assert (desk.act("cut_identifier", identifier.pk) in told) is may
    assert ("may not do this" in said(client.get(desk.act("cut_identifier", identifier.pk)))) is not may


def test_who_needs_no_names_sees_none(desk: Desk, sign: Sign) -> None:
    pair = twins(desk)
    client = sign("auditor")
    for url in (
        desk.url("profiles_suggestion_changelist"),
        desk.url("profiles_suggestion_change", pair.pk),
        why(desk, pair.low_id),
    ):
        page = client.get(url).content.decode()
        for secret in ("Zoe", "Quist", "zoe.quist1", "zoequist1", "Hauptstr"):
            assert secret not in page, (url, secret)


def test_a_stranger_finds_nothing(desk: Desk, sign: Sign) -> None:
    pair = twins(desk)
    with desk.inside():
        identifier = Identifier.objects.filter(profile=pair.low_id).earliest("pk")
        cut = cuts.cut(identifier, by=BY, because="the till's")
    stranger = sign("engineer", Stage(slug="other"))
    assert b"Quist" not in stranger.get(desk.url("profiles_suggestion_changelist")).content
    for url in (
        desk.url("profiles_suggestion_change", pair.pk),
        why(desk, pair.low_id),
        desk.act("dismiss_suggestion", pair.pk),
        desk.act("reopen_suggestion", pair.pk),
        desk.act("cut_identifier", identifier.pk),
        desk.act("use_again", cut.pk),
    ):
        assert stranger.get(url).status_code == 404, url


def test_the_pages_cost_the_same_whatever_their_rows(desk: Desk, sign: Sign) -> None:
    pair, client = twins(desk), sign("lead")
    twins(desk, 11)
    with desk.inside():
        merges.merge(pair.low_id, buy(desk, 9, email="first@example.org").pk, by=BY, because="one person")
    urls = [
        desk.url("profiles_suggestion_changelist"),
        desk.url("profiles_suggestion_change", pair.pk),
        why(desk, pair.low_id),
    ]
    few = [queries(client, url) for url in urls]
    for number in (21, 31):
        twins(desk, number)
        other = buy(desk, number + 5, email=f"other{number}@example.org")
        with desk.inside():
            merges.merge(pair.low_id, other.pk, by=BY, because="one person")
    desk.stage.work()
    assert [queries(client, url) for url in urls] == few
    assert max(few) <= 25


# Why one person ---------------------------------------------------------------------------------------------------


def test_the_story_tells_merges_identifiers_and_facts_in_order_of_time(desk: Desk, sign: Sign) -> None:
    one = buy(desk, 1, email="ivo@example.org", name="Ivo Brandt", phone=PHONE)
    other = buy(desk, 2, email="kit@example.org", name="Kit Lang")
    buy(desk, 3, email="kit@example.org", phone=PHONE)
    page = sign("lead").get(why(desk, one.pk)).content.decode()
    assert "2 customer records, 3 active identifiers and 3 orders hang together here." in page
    story = page[page.index('<ol class="why">') :]
    told = [
        f"Ivo Brandt ({one.pk}) was first seen.",
        f"Phone {PHONE} is known, borne by 2 orders.",
        f"E-mail kit@example.org came with Kit Lang ({other.pk}), borne by 2 orders.",
        f"Kit Lang ({other.pk}) became part of Ivo Brandt ({one.pk}), by identity rules: order #I3 bears",
    ]
    assert [words for words in told if words not in story] == []
    assert story.index(told[0]) < story.index(told[1]) < story.index(told[2]) < story.index(told[3])
    assert page.count("drawing__line--merge") == 2 and "<title" in page and "<desc" in page


def test_an_absorbed_customer_leads_to_who_stands_for_it(desk: Desk, sign: Sign) -> None:
    one, other = buy(desk, 1, email="a@example.org"), buy(desk, 2, email="b@example.org")
    with desk.inside():
        merges.merge(one.pk, other.pk, by=BY, because="one person")
    assert sign("agent").get(why(desk, other.pk))["Location"] == why(desk, one.pk)


def test_an_undone_merge_and_a_cut_stay_in_the_story(desk: Desk, sign: Sign) -> None:
    one = buy(desk, 1, email="a@example.org", phone=PHONE)
    buy(desk, 2, email="b@example.org", phone=PHONE)
    client = sign("lead")
    with desk.inside():
        identifier = Identifier.objects.get(kind="phone", value=PHONE)
    opened = client.get(desk.act("cut_identifier", identifier.pk)).content.decode()
    assert "1 order, 1 identifier leave to a new customer." in opened
    assert f"Customer {one.pk} before: 2 orders, 179.98 USD." in opened
    assert f"Customer {one.pk} after: 1 order, 89.99 USD; those who leave: 1 order, 89.99 USD." in opened
    answer = desk.press(client, "cut_identifier", identifier.pk)
    assert said(answer) == "Cut. 1 customer left." and answer["Location"] == why(desk, one.pk)
    desk.stage.work()
    page = client.get(why(desk, one.pk)).content.decode()
    assert "was cut by" in page and "the customer asked" in page and "drawing__line--off" in page
    with desk.inside():
        cut = Cut.objects.get()
    assert desk.act("use_again", cut.pk) in page and desk.act("cut_identifier", identifier.pk) not in page
    assert "It joins nobody as it is" in client.get(desk.act("cut_identifier", identifier.pk)).content.decode()
    opened = client.get(desk.act("use_again", cut.pk)).content.decode()
    assert f"becomes part of customer {one.pk}." in opened and "Together: 2 orders, 179.98 USD." in opened
    assert said(desk.press(client, "use_again", cut.pk)) == "Used again."
    desk.stage.work()
    page = client.get(why(desk, one.pk)).content.decode()
    assert (
        "was used again by" in page
        and "Already used again" in client.get(desk.act("use_again", cut.pk)).content.decode()
    )


def test_the_numbers_before_hold_what_leaves_with_the_value(desk: Desk, sign: Sign) -> None:
    one, other = buy(desk, 1, email="a@example.org"), buy(desk, 2, phone=PHONE)
    buy(desk, 3, email="a@example.org", phone=PHONE)
    with desk.inside():
        identifier = Identifier.objects.get(kind="phone", value=PHONE)
    opened = sign("lead").get(desk.act("cut_identifier", identifier.pk)).content.decode()
    assert f"Customer {other.pk}, known by it alone, stands again." in opened
    assert f"Facts that bear nothing else: 1; they leave with it to customer {other.pk}." in opened
    assert f"Customer {one.pk} after: 2 orders, 179.98 USD; those who leave: 1 order, 89.99 USD." in opened


def test_cutting_what_joins_nobody_says_so(desk: Desk, sign: Sign) -> None:
    one = buy(desk, 1, email="a@example.org", phone=PHONE)
    with desk.inside():
        identifier = Identifier.objects.get(profile=one, kind="email")
    opened = sign("lead").get(desk.act("cut_identifier", identifier.pk)).content.decode()
    assert f"Nobody leaves: customer {one.pk} hangs together without it." in opened


def test_undoing_a_merge_says_the_totals_before_and_after(desk: Desk, sign: Sign) -> None:
    one, other = buy(desk, 1, email="a@example.org"), buy(desk, 2, email="b@example.org")
    with desk.inside():
        merge = merges.merge(one.pk, other.pk, by=BY, because="one person")
    desk.stage.work()
    opened = sign("lead").get(desk.act("undo_merge", merge.pk)).content.decode()
    assert f"Customer {one.pk} before: 2 orders, 179.98 USD." in opened
    assert f"After: 1 order, 89.99 USD; customer {other.pk}: 1 order, 89.99 USD." in opened


def test_a_thousand_orders_and_fifty_merges_are_a_bounded_picture(desk: Desk, sign: Sign) -> None:
    one = buy(desk, 1, email="a@example.org")
    with desk.inside():
        (order,) = Order.objects.filter(profile=one)
        for number in range(50):
            other = Profile.objects.create(organization=desk.stage.organization, name=f"Other {number}")
            Identifier.objects.create(
                organization=desk.stage.organization, kind="email", value=f"m{number}@example.org",
                spelled=f"email:m{number}@example.org", profile=other,
            )  # fmt: skip
            merges.merge(one.pk, other.pk, by=BY, because="one person")
        for number in range(1000):
            order.pk, order.external_id, order._state.adding = None, f"many-{number}", True
            order.identifiers = ["email:a@example.org", *([f"cookie:c{number}"] if number % 4 == 0 else [])]
            order.save()
        Conversation.objects.create(
            organization=desk.stage.organization, external_id="c", profile=one, started_at=order.placed_at,
            last_activity_at=order.placed_at, identifiers=["email:a@example.org"],
        )  # fmt: skip
        graph = graphs.of_profile(one)
    assert len(graph.groups) <= 2 * graphs.GROUPS and len(graph.identifiers) <= graphs.IDENTIFIERS
    assert sum(group.count for group in graph.groups) + graph.left_out["orders"] == 1002
    client = sign("lead")
    answer = client.get(why(desk, one.pk))
    assert queries(client, why(desk, one.pk)) <= 25
    wide: pictures.Picture = answer.context["wide"]
    assert len(wide.boxes) <= 60 and wide.height < 1200 and len(answer.content) < 300_000
    assert "and 34 more" in answer.content.decode() and "1,001 orders" in answer.content.decode()


# Reviews ----------------------------------------------------------------------------------------------------------


def test_closing_a_review_leads_to_the_next(desk: Desk, sign: Sign) -> None:
    one, other = buy(desk, 1, email="a@example.org"), buy(desk, 2, email="b@example.org")
    with desk.inside():
        first, second = (
            Review.objects.create(
                organization=desk.stage.organization, kind="too_many", subject=f"orders.Order:{number}", profile=one,
                candidates=[one.pk, other.pk], explanation="2 customers match.",
            )
            for number in (1, 2)
        )  # fmt: skip
    client = sign("lead")
    page = client.get(desk.url("profiles_review_change", first.pk)).content.decode()
    assert desk.url("profiles_review_change", second.pk) in page and why(desk, other.pk) in page
    answer = desk.press(client, "decide", first.pk, decision="dismissed")
    assert answer["Location"] == desk.url("profiles_review_change", second.pk)
    answer = desk.press(client, "decide", second.pk, decision="dismissed")
    assert answer["Location"] == desk.url("profiles_review_changelist")


def test_the_list_of_merges_leads_to_the_story(desk: Desk, sign: Sign) -> None:
    one, other = buy(desk, 1, email="a@example.org"), buy(desk, 2, email="b@example.org")
    with desk.inside():
        merges.merge(one.pk, other.pk, by=BY, because="one person")
        assert Merge.objects.count() == 1
    assert why(desk, one.pk) in sign("agent").get(desk.url("profiles_merge_changelist")).content.decode()


# Sums -------------------------------------------------------------------------------------------------------------


def test_what_leaves_and_what_stays_are_the_whole(desk: Desk) -> None:
    one = buy(desk, 1, email="a@example.org")
    buy(desk, 2, email="a@example.org")
    with desk.inside():
        whole = shares.of_customers(one.pk)
        ids = list(Order.objects.filter(profile=one).values_list("pk", flat=True))
        assert shares.of_orders(ids) == whole
        part = shares.of_orders(ids[:1])
        (rest,) = shares.without(whole, part)
        assert (part[0].orders + rest.orders, part[0].net_minor + rest.net_minor) == (2, whole[0].net_minor)
        assert shares.without(whole, whole) == []


def test_next_pairs_come_surest_first(desk: Desk) -> None:
    twins(desk)
    with desk.inside():
        likenesses.request_missing(again=True)
        (row,) = alike.waiting()
        assert alike.after(row) is None and list(alike.about(row.low)) == [row]
