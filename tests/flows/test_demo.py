"""The demo organization: months of trade by the shops' own door, and each trouble the desk can put right, once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.test import Client

from attribution.models import StoreAlert
from config import catalogue, couriers, demo, demo_books, demo_offers, drains, dues, settling, stories
from fulfillment.actions import assets
from fulfillment.models import DownloadLink, Email, Entitlement, Job, MissionCompletion, Redemption
from orders import imitation
from orders.imitation import Parcel
from orders.models import Channel, Delivery, Import, LedgerEntry, Line, Order, Period, Product, RefundRequest
from orders.queries import proofs_of_the_ledger
from profiles import clock, tenancy
from profiles.actions import organizations
from profiles.actors import Actor
from profiles.models import Membership, Organization, Profile, Role
from support.actions import approvals
from support.analytics import Asked
from support.models import Approval, Discrepancy
from support.queries import analytics, dashboards, funnels, recounts, search, snapshot, timelines, unattached
from tests import worlds

FINANCE = ("support_discrepancy_changelist", "orders_import_changelist", "orders_period_changelist")


class InProcess(couriers.Courier):
    """Posts to the application itself instead of over a connection."""

    def carry(self, parcels: Sequence[Parcel], *, told: Callable[[int], None] = lambda count: None) -> None:
        client = Client(enforce_csrf_checks=True)
        for parcel in parcels:
            address = self.addresses[parcel.kind]
            signed = parcel.headers(secret=address.secret, domain=address.domain, now=int(clock.real().timestamp()))
            answer = client.post(address.path, parcel.body, content_type="application/json", headers=signed)
            assert answer.status_code == 200


@dataclass
class Demo:
    organization: Organization
    notes: Path
    missed: set[str] = field(default_factory=set)
    worked: set[str] = field(default_factory=set)

    def round_of(self, organization_id: int) -> int:
        """As in `drains`, but each queue is asked, whatever is said to be due."""
        count = 0
        for name, queue in {**drains.QUEUES, **drains.IDLE}.items():
            with tenancy.organization(organization_id):
                due = dues.now()
            if done := queue(organization_id):
                self.worked.add(name)
                self.missed |= {name} - due
            count += done
        return count


@pytest.fixture(scope="module")
def _world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[worlds.World[Demo]]:
    notes = tmp_path_factory.mktemp("notes")

    def build() -> Demo:
        made = Demo(Organization(), notes)
        with pytest.MonkeyPatch.context() as patch:
            tell_in_process(patch)
            patch.setattr(drains, "round_of", made.round_of)
            demo.prepare(notes)
            assert not demo.is_told()
            demo.tell("127.0.0.1", 1)
        organization_id = organizations.find(demo.SLUG)
        with tenancy.organization(organization_id):
            made.organization = Organization.objects.get(pk=organization_id)
        return made

    yield from worlds.once(build, blocker=django_db_blocker, folder=tmp_path_factory.mktemp("files"))


def tell_in_process(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(demo, "Courier", InProcess)
    patch.setattr(demo, "ORDERS", 40)
    patch.setattr(settling, "wait", lambda organization_id, **_: settling.work(organization_id) >= 0)


@pytest.fixture
def told(_world: worlds.World[Demo], db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Organization:
    """The demo, told once, with forty ordinary orders."""
    tell_in_process(monkeypatch)
    return _world.enter(settings).organization


def test_no_queue_had_work_that_was_not_said_to_be_due(_world: worlds.World[Demo], db: None) -> None:
    """A round asks only the queues of `config.dues`: what it does not name would wait for ever."""
    assert dues.SOURCES.keys() == {**drains.QUEUES, **drains.IDLE}.keys()
    assert _world.made.missed == set()
    assert _world.made.worked >= {"inbox", "imports", "settlements", "fulfilment", "outbox", "days"}


def state(organization: Organization) -> dict[str, Any]:
    with tenancy.organization(organization.pk):
        return snapshot.take(organization)


def test_each_trouble_is_there_once(told: Organization) -> None:
    with tenancy.organization(told.pk):
        (bounced,) = Email.objects.filter(bounced_at__isnull=False)
        assert (bounced.to, bounced.bounce) == (stories.BOUNCED_ADDRESS, stories.BOUNCE)
        (quarantined,) = Delivery.objects.filter(state=Delivery.State.QUARANTINED)
        assert "total_price" in quarantined.reason
        (unmapped,) = Line.objects.filter(product__isnull=True)
        assert unmapped.sku == stories.SECOND_EDITION.sku
        (disputed,) = Order.objects.filter(payment_status="disputed")
        assert disputed.entitlements.get().status == Entitlement.Status.SUSPENDED
        partial = Order.objects.filter(payment_status="partially_refunded").order_by("number")
        assert [order.channel.kind for order in partial] == ["shopify", "stripe"]
        assert [bool(order.needs_person) for order in partial] == [False, True]
        assert set(partial[0].entitlements.values_list("status", flat=True)) == {"revoked", "pending_claim"}
        assert Profile.objects.filter(name="Yuki Tanaka", merged_into__isnull=True).count() == 2
        (walk_in,) = Order.objects.filter(profile__isnull=True)
        assert walk_in.identifiers == []
        (failed,) = Job.objects.filter(state=Job.State.FAILED)
        assert failed.entitlement.product.sku == "TRAIN-NIGHT"


def test_a_customer_in_a_store_wants_what_they_looked_at(told: Organization) -> None:
    with tenancy.organization(told.pk):
        (alert,) = StoreAlert.objects.select_related("order__profile")
        profile = alert.order.profile
        assert profile is not None and profile.name == "Defne Kaya" and profile.strength == 55
        assert alert.store == "Kadıköy" and alert.because == "looked at EBOOK-STAR-EN three times this week"
        assert profile.visits.get().order_id == alert.order_id
        assert profile.intents.get(sku="EBOOK-STAR-EN").state == "open"
        told_first = {row.type for row in timelines.of_profile(profile)[:4]}
        assert told_first == {"store_alert", "pos_transaction", "store_visit", "order"}
        (nobody,) = unattached.page("event").rows
        assert nobody.title == "Put EBOOK-STAR-EN in the cart"


def test_chats_led_to_some_orders_and_others_to_none(told: Organization) -> None:
    with tenancy.organization(told.pk):
        last = told.created_at.date() + timedelta(days=1)
        asked = Asked(told.pk, told.timezone, last - timedelta(days=400), last, told.currency)
        found, steps = analytics.figures(asked), funnels.of(asked)
        assert 0 < found.converted < found.conversations and len(found.by_method) == 3
        assert 0 < steps.total.conversions < steps.total.checkouts < steps.total.clicks
        assert steps.money.known == steps.total.conversions and steps.total.net_minor > 0
        assert set(steps.names) == {"post", "attachment", "resolution"} and steps.total.reviews > 0


def test_links_run_out_by_the_time_of_their_order(told: Organization) -> None:
    with tenancy.organization(told.pk):
        late = DownloadLink.objects.get(entitlement__order__customer_name="Piotr Kowalczyk")
        assert late.expires_at < clock.now() and late.expires_at - late.created_at > timedelta(hours=47)
        fresh = DownloadLink.objects.get(entitlement__order__customer_name="Mateus Oliveira")
        assert fresh.expires_at > clock.now()
        for email in Email.objects.filter(template="receipt").select_related("order"):
            assert email.order is not None
            assert email.created_at - email.order.placed_at < timedelta(minutes=5)


def test_every_story_is_found_by_its_search(told: Organization) -> None:
    with tenancy.organization(told.pk):
        for story in stories.STORIES:
            # The quarantined delivery is no order yet, and what finance does is found by its page.
            if story.search != "LP-2002" and story.page not in FINANCE:
                assert search.find(story.search, organization=told), story.title


def test_the_first_page_leads_to_every_story(told: Organization) -> None:
    with tenancy.organization(told.pk):
        found = {story.search: story.model for story in dashboards.stories(stories.STORIES)}
        paged = {story.search: story.page for story in dashboards.stories(stories.STORIES) if story.page}
    special = {"LP-2002": "orders_delivery", "Yuki Tanaka": "profiles_profile"}
    own = [story for story in stories.STORIES if not story.page]
    assert {search: model for search, model in found.items() if search not in paged} == {
        story.search: special.get(story.search, "orders_order") for story in own
    }
    assert set(paged.values()) == {"attribution_storealert_changelist", "unattached", *FINANCE}


def test_finance_finds_a_payout_that_came_short_a_file_and_a_month_to_close(told: Organization) -> None:
    with tenancy.organization(told.pk):
        opened = Discrepancy.objects.filter(status=Discrepancy.Status.OPEN)
        (short,) = opened.filter(kind="payout_differs")
        assert short.amount_minor == demo_books.SHORT_MINOR
        nobody = opened.exclude(pk=short.pk)
        assert {(row.kind, row.order.email) for row in nobody if row.order} == {("missing_receipt", "")}
        (imported,) = Import.objects.all()
        assert (imported.state, imported.fresh, imported.rejected) == (Import.State.DONE, 4, 2)
        assert not Email.objects.filter(order__channel__kind="csv").exists(), "no mail to buyers of long ago"
        open_months = LedgerEntry.objects.exclude(month__in=Period.objects.values("month"))
        assert len(set(open_months.values_list("month", flat=True))) == 2
        assert proofs_of_the_ledger.differences(told) == []


def test_a_coupon_a_mission_and_two_refunds_are_there_to_look_at(told: Organization) -> None:
    with tenancy.organization(told.pk):
        used = Redemption.objects.get()
        assert (used.coupon.code, used.state, used.coupon.used) == (demo_offers.CODE, "redeemed", 1)
        completed = MissionCompletion.objects.select_related("mission")
        assert {(one.mission.slug, one.state) for one in completed} == {(demo_offers.MISSION, "completed")}
        given = Entitlement.objects.filter(source__in=["coupon", "reward"]).order_by("source")
        assert [(one.source, one.status) for one in given] == [("coupon", "active"), *[("reward", "active")] * 2]
        assert Email.objects.filter(entitlement__in=given).count() == 3
        requests = RefundRequest.objects.order_by("order__external_id")
        assert [(one.order.external_id, one.state) for one in requests] == [("7002", "done"), ("7003", "awaiting")]
        (question,) = Approval.objects.all()
        assert (question.state, question.asked_by, question.order_id) == (
            "waiting",
            "Fran Keller",
            requests[1].order_id,
        )
        lead = Membership.objects.get(role=Role.LEAD)
        approvals.approve(
            question, by=Actor(label="Lou", role="lead", user_id=lead.user_id), because="the reader showed us"
        )
    settling.work(told.pk)
    with tenancy.organization(told.pk):
        assert Order.objects.get(external_id=demo_offers.WAITS).payment_status == "refunded"


def test_all_shops_and_all_ways_of_attribution_occur(told: Organization) -> None:
    found = state(told)
    # The till's order is one of its story; an event without anybody and a quarantined delivery are no orders.
    assert len(found["orders"]) == 40 + len(stories.STORIES) - len(FINANCE) - 1 + 4
    assert {order["channel"].partition(":")[0] for order in found["orders"]} == {*demo.SHOPS, "api", "csv"}
    methods = {order["attribution"]["method"] for order in found["orders"] if order["attribution"]}
    assert methods == {"session_match", "time_proximity", "email_match", "no_match"}
    assert found["reviews"] == 0
    assert all(mail["to"].endswith(".example") for mail in found["emails"])


def test_nothing_is_ever_sent_and_no_provider_is_called(told: Organization) -> None:
    with tenancy.organization(told.pk):
        assert set(Email.objects.values_list("state", "never_send")) == {(Email.State.KEPT, True)}
        shops = Channel.objects.filter(built_in=False)
        assert set(shops.values_list("made_up", "calls_provider")) == {(True, False)}
        assert not Channel.objects.filter(calls_provider=True).exists()


def test_statistics_equal_a_recount(told: Organization) -> None:
    with tenancy.organization(told.pk):
        assert [found for ids in recounts.batches() for found in recounts.differences(ids)] == []


def test_telling_it_again_changes_nothing(told: Organization) -> None:
    before = state(told)
    demo.tell("127.0.0.1", 1)
    assert state(told) == before


def test_the_missing_file_puts_its_story_right(told: Organization) -> None:
    by = Actor.system("the test")
    with tenancy.organization(told.pk):
        product = Product.objects.get(sku="TRAIN-NIGHT")
        with Path(__file__).open("rb") as content:
            assets.add(product, content, filename="night.pdf", by=by)
    settling.work(told.pk)
    with tenancy.organization(told.pk):
        assert not Job.objects.filter(state=Job.State.FAILED).exists()


def test_staff_sign_in_with_the_kept_password(_world: worlds.World[Demo], told: Organization, rf: Any) -> None:
    logins = demo.prepare(_world.made.notes)
    assert (_world.made.notes / demo.NOTE).stat().st_mode & 0o777 == 0o600
    assert [login.address for login in logins] == [address for address, *_ in demo.STAFF]
    for login in logins:
        user = authenticate(rf.get("/admin/login/"), username=login.address, password=login.password)
        assert isinstance(user, User) and user.is_staff
    with tenancy.organization(told.pk):
        assert set(Membership.objects.values_list("role", flat=True)) == set(Role.values)


def test_another_note_gives_other_passwords(told: Organization, tmp_path: Path, rf: Any) -> None:
    (login, *_) = demo.prepare(tmp_path / "moved")
    assert authenticate(rf.get("/admin/login/"), username=login.address, password=login.password) is not None


def test_a_story_names_an_order_that_exists(told: Organization) -> None:
    with tenancy.organization(told.pk):
        numbers = set(Order.objects.exclude(from_file=True).values_list("number", flat=True))
        trade, odd = demo._trade(told, catalogue.stock(told, by=demo.BY, entries=ALL))
    assert {imitation.number(purchase) for purchase in trade} | {stories.TILL_NUMBER} == numbers
    assert b"LP-2002" in odd.body


ALL = (*catalogue.CATALOGUE, catalogue.WITHOUT_FILE)
