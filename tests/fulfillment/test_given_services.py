"""Services given by hand: opened and followed like bought ones, once a press, withdrawn, given again, and merged."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fulfillment.actions import entitlements, followups, given_services, services
from fulfillment.actions.given_services import NotGiven, NotStanding
from fulfillment.models import Entitlement, Followup, Service
from orders.models import Order, Product
from profiles.actions import merges
from profiles.actors import Actor, Invalid, NotPermitted
from profiles.models import AuditEntry, Profile
from tests.buyers import Buyer, buyer, terms
from tests.fulfillment.conftest import Later
from tests.servers import MailServer
from tests.stage import BY, Stage

WHY = "They waited too long"
LEAD = Actor(label="Lea", role="lead")
KICKOFF = "Let us begin: An hour of advice"


@pytest.fixture
def bob(db: None, smtp: MailServer) -> Buyer:
    """Somebody who bought a book, of a seller who also gives advice."""
    made = buyer(Stage(), smtp)
    made.stage.product("ADVICE", "An hour of advice", kind="service")
    made.buy()
    return made


def give(bob: Buyer, key: str = "press", order: Order | None = None) -> Service:
    with bob.stage.inside():
        profile = Profile.objects.get(identifiers__value=bob.address)
        product = Product.objects.get(sku="ADVICE")
        return given_services.give(profile, product, by=BY, because=WHY, key=key, order=order)


def acts(bob: Buyer) -> list[str]:
    with bob.stage.inside():
        rows = AuditEntry.objects.filter(action__startswith="service.").order_by("pk")
        return list(rows.values_list("action", flat=True))


def about_advice(bob: Buyer) -> dict[str, str]:
    return {kind: state for kind, state in bob.rows().items() if kind in ("kickoff", "intake")}


def test_it_is_opened_once_a_press_and_its_form_leads_from_kick_off_to_ready(bob: Buyer, later: Later) -> None:
    assert give(bob) == give(bob)
    later(2)
    bob.stage.work()
    assert bob.subjects()[1:] == [KICKOFF]
    assert bob.client.post(bob.address_in(bob.last_mail(), "intake"), {"answer_0": "A novel."}).status_code == 200
    later(47)
    bob.stage.work()
    assert about_advice(bob) == {"kickoff": "sent", "intake": "skipped answered"}
    with bob.stage.inside():
        row = Service.objects.get()
        assert (row.state, row.source, row.order_id) == ("ready", "manual", None)
        assert row.because == f"Given by {BY.label}: {WHY}"
    assert give(bob, "another press").pk != row.pk
    assert acts(bob) == ["service.given", "service.answered", "service.given"]


def test_withdrawn_it_ends_with_its_mails_and_given_again_it_goes_on(bob: Buyer, later: Later) -> None:
    row = give(bob)
    with bob.stage.inside():
        assert given_services.withdraw(row, by=BY, because=WHY).state == "ended"
        with pytest.raises(NotStanding):
            given_services.withdraw(row, by=BY, because=WHY)
        with pytest.raises(services.NotNow):
            services.move(row, "started", by=BY, because=WHY)
    later(2)
    bob.stage.work()
    assert about_advice(bob) == {"kickoff": "stopped withdrawn", "intake": "stopped withdrawn"}
    assert KICKOFF not in bob.subjects()
    with bob.stage.inside():
        assert given_services.restore(row, by=BY, because=WHY).state == "intake"
        with pytest.raises(NotStanding):
            given_services.restore(row, by=BY, because=WHY)
    later(2)
    bob.stage.work()
    assert about_advice(bob) == {"kickoff": "sent", "intake": "waiting"}
    assert acts(bob) == ["service.given", "service.withdrawn", "service.restored"]


def test_what_was_given_on_an_order_outlives_its_money_and_is_mailed_where_it_is(bob: Buyer, later: Later) -> None:
    give(bob, order=bob.order())
    bob.buy(status="cancelled")
    with bob.stage.inside():
        assert Service.objects.get().state == "intake"
        Order.objects.update(delivery_email="elsewhere@example.org")
    later(2)
    bob.stage.work()
    assert [mail.subject for mail in bob.smtp.to("elsewhere@example.org")] == [KICKOFF]


def test_what_was_bought_is_not_withdrawn_by_hand(bob: Buyer) -> None:
    bob.buy(9002, sku="ADVICE")
    with bob.stage.inside():
        row = Service.objects.get()
        for act in (given_services.withdraw, given_services.restore):
            with pytest.raises(NotGiven):
                act(row, by=BY, because=WHY)


def test_each_kind_of_product_is_given_in_its_own_way_and_only_by_who_may(bob: Buyer) -> None:
    row = give(bob)
    auditor = Actor(label="Vera", role="auditor")
    with bob.stage.inside():
        profile, book = Profile.objects.get(), Product.objects.get(sku="EBOOK-TIDE-EN")
        with pytest.raises(Invalid, match="is no service"):
            given_services.give(profile, book, by=BY, because=WHY, key="1")
        with pytest.raises(Invalid, match="is a service"):
            entitlements.grant(profile, row.product, by=BY, because=WHY, key="1")
        for act in (
            lambda: given_services.give(profile, row.product, by=auditor, because=WHY, key="2"),
            lambda: given_services.withdraw(row, by=auditor, because=WHY),
            lambda: given_services.restore(row, by=auditor, because=WHY),
        ):
            with pytest.raises(NotPermitted):
                act()
        assert Service.objects.count() == 1 and Entitlement.objects.count() == 1


def test_what_is_switched_off_is_not_planned(bob: Buyer) -> None:
    terms(bob.stage, kickoff={"on": True}, intake={"on": False})
    give(bob)
    assert about_advice(bob) == {"kickoff": "waiting"}


def test_it_goes_with_its_customer_through_a_merge_and_its_undo(bob: Buyer, later: Later) -> None:
    ann = buyer(bob.stage, bob.smtp, "ann@example.org")
    ann.buy(9002)
    row = give(ann)
    with bob.stage.inside():
        his, hers = (Profile.objects.get(identifiers__value=one.address) for one in (bob, ann))
        merge = merges.merge_by_staff(his.pk, hers.pk, by=LEAD, because=WHY, verified=["e-mail", "phone"])
        assert Service.objects.get().profile_id == his.pk
        assert set(Followup.objects.filter(service=row).values_list("profile_id", flat=True)) == {his.pk}
        since = given_services.give(his, row.product, by=BY, because=WHY, key="since the merge")
        merges.undo(merge, by=LEAD, because=WHY)
        assert dict(Service.objects.values_list("pk", "profile_id")) == {row.pk: hers.pk, since.pk: his.pk}
        assert set(Followup.objects.filter(service=row).values_list("profile_id", flat=True)) == {hers.pk}
    later(2)
    bob.stage.work()
    assert bob.subjects()[-1] == ann.subjects()[-1] == KICKOFF


def test_ten_kick_offs_cost_as_many_queries_as_one(bob: Buyer, later: Later) -> None:
    counts = []
    for number in (1, 10):
        for key in range(number):
            give(bob, f"{number} {key}")
        later(2)
        with bob.stage.inside():
            due = followups.due(100)
            assert len(due) == number
            with CaptureQueriesContext(connection) as caught:
                followups.work(due, talked=lambda people: {})
        counts.append(len(caught))
    assert counts[1] <= counts[0]
