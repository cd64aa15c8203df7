"""The commands a person types: what they do, say and refuse, and that a second time does no harm."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from config import settling
from fulfillment.models import Email, Entitlement
from orders.actions import deliveries
from orders.models import Channel, Delivery, Order, ProfileTotal
from profiles import tenancy
from profiles.actions import keys, organizations
from profiles.models import AuditEntry, Profile, Tenant
from profiles.secrets import SecretField
from tests.stage import BY, SECRETS, Stage, sample

DELIVER = ("--order", "M-1", "--sku", "EBOOK-TIDE-EN", "--email", "Maya@Example.org", "--amount", "39.00")


@pytest.fixture
def stage(db: None) -> Stage:
    return Stage()


def run(name: str, *arguments: str, organization: str = "lantern") -> Any:
    """The JSON document that a command prints."""
    out = io.StringIO()
    of = ("--organization", organization) if organization else ()
    call_command(name, *of, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def say(name: str, *arguments: str, organization: str = "lantern") -> str:
    out = io.StringIO()
    call_command(name, "--organization", organization, *arguments, stdout=out)
    return out.getvalue()


# ---- suggest_merges


def test_likely_same_people_are_suggested_and_nobody_is_merged(stage: Stage) -> None:
    for number, address in enumerate(("maya.okafor@gmail.com", "mayaokafor@googlemail.com", "ivo@example.org")):
        name = "Ivo Brandt" if address.startswith("ivo") else "Maya Okafor"
        body = sample("api/order.json") | {"external_id": f"S-{number}", "customer": {"email": address, "name": name}}
        assert stage.post("api", body, delivery=f"s{number}").status_code == 200
    stage.work()
    found = run("suggest_merges")
    assert (found["looked"], found["open"]) == (3, {"almost_certain": 1, "likely": 0, "possible": 0})
    assert run("suggest_merges")["looked"] == 0
    again = run("suggest_merges", "--all")
    assert (again["looked"], again["changed"], again["open"]["almost_certain"]) == (3, 3, 1)
    assert "Open: 1 almost certain, 0 likely, 0 possible." in say("suggest_merges")
    with stage.inside():
        assert Profile.objects.filter(merged_into=None).count() == 3


# ---- generate_orders


def test_generated_orders_go_the_whole_way(stage: Stage) -> None:
    made = run("generate_orders", "--orders", "40", "--days", "30", "--seed", "7")
    assert made["orders"] == 40 and made["known"] == 0 and made["seed"] == 7
    assert len(made["channels"]) == 3
    state = stage.snapshot()
    assert len(state["orders"]) == 40 and state["quarantined"] == [] and state["unattached_events"] == 0
    assert {order["channel"] for order in state["orders"]} == set(made["channels"])
    assert {line["sku"] for order in state["orders"] for line in order["lines"]} <= {"EBOOK-TIDE-EN", "EBOOK-HARB-EN"}
    assert all(mail["to"].endswith(".example") for mail in state["emails"])
    assert {order["payment_status"] for order in state["orders"]} >= {"paid"}


def test_their_mail_is_kept_though_there_is_a_provider(stage: Stage, smtp: Any) -> None:
    run("generate_orders", "--orders", "10")
    with stage.inside():
        assert set(Email.objects.values_list("state", flat=True)) == {Email.State.KEPT}
        assert set(Channel.objects.filter(domain__startswith="generated").values_list("made_up", "calls_provider")) == {
            (True, False)
        }
    assert smtp.messages == []


def test_the_same_seed_makes_the_same_orders(stage: Stage) -> None:
    first = run("generate_orders", "--orders", "12", "--seed", "3")
    ids = {order["external_id"] for order in stage.snapshot()["orders"]}
    again = run("generate_orders", "--orders", "12", "--seed", "3")
    assert (first["orders"], again["orders"]) == (12, 0)
    assert {order["external_id"] for order in stage.snapshot()["orders"]} == ids
    other = run("generate_orders", "--orders", "12", "--seed", "4")
    assert other["orders"] == 12


def test_an_organization_without_products_gets_some(db: None) -> None:
    organizations.create("yen", name="Yen", currency="JPY", region="JP", timezone="Asia/Tokyo", by=BY)
    assert run("generate_orders", "--orders", "15", organization="yen")["orders"] == 15
    with tenancy.organization(organizations.find("yen")):
        assert set(Order.objects.values_list("currency", flat=True)) == {"JPY"}
        assert not Order.objects.exclude(flags=[]).exists()
        assert Entitlement.objects.exists()


def test_trying_out_makes_nothing(stage: Stage) -> None:
    assert run("generate_orders", "--orders", "12", "--dry-run")["dry_run"] is True
    assert stage.snapshot()["orders"] == []


@pytest.mark.parametrize("arguments", [("--orders", "0"), ("--orders", "2000000"), ("--days", "0")])
def test_impossible_numbers_are_refused(stage: Stage, arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError, match=arguments[0]):
        run("generate_orders", *arguments)


# ---- deliver


def test_an_order_by_hand_is_delivered(stage: Stage, smtp: Any) -> None:
    said = run("deliver", *DELIVER)
    assert said["created"] is True and said["channel"] == "api:manual" and said["payment_status"] == "paid"
    assert said["entitlements"] == [{"sku": "EBOOK-TIDE-EN", "status": "pending_claim", "delivery": "completed"}]
    (mail,) = said["emails"]
    assert (mail["template"], mail["state"]) == ("receipt", "sent")
    assert smtp.messages[0].recipients[0].lower() == "maya@example.org"
    (order,) = stage.snapshot()["orders"]
    assert (order["external_id"], order["total"], order["currency"]) == ("M-1", "39.00", "EUR")
    assert order["customer"] == ["email:maya@example.org"]


def test_the_same_order_by_hand_again_changes_nothing(stage: Stage, smtp: Any) -> None:
    run("deliver", *DELIVER)
    before = stage.snapshot()
    assert run("deliver", *DELIVER)["created"] is False
    assert stage.snapshot() == before and len(smtp.messages) == 1
    assert "known already" in say("deliver", *DELIVER)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (("--amount", "12.00"), "amount"),
        (("--sku", "EBOOK-HARB-EN"), "SKU"),
        (("--email", "other@example.org"), "e-mail"),
        (("--currency", "USD"), "amount"),
    ],
)
def test_another_order_of_that_number_is_refused(stage: Stage, changed: tuple[str, str], what: str) -> None:
    run("deliver", *DELIVER)
    before = stage.snapshot()
    with pytest.raises(CommandError, match=f"another {what}"):
        run("deliver", *DELIVER, *changed)
    assert stage.snapshot() == before


def test_an_order_told_unpaid_is_paid_by_hand(stage: Stage) -> None:
    document = {
        "external_id": "M-1",
        "currency": "EUR",
        "total": "39.00",
        "payment_status": "unpaid",
        "placed_at": "2026-11-01T10:00:00Z",
        "customer": {"email": "maya@example.org"},
        "lines": [{"sku": "EBOOK-TIDE-EN", "quantity": 1}],
    }
    from orders.actions import manual

    with stage.inside():
        manual.record(document, organization=stage.organization, by=BY, body=b"{}", delivery_id="d")
    stage.work()
    said = run("deliver", "--order", "M-1", "--sku", "EBOOK-TIDE-EN", "--email", "maya@example.org", "--amount", "39")
    assert (said["created"], said["payment_status"]) == (False, "paid")
    assert len(said["emails"]) == 1


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        (("--sku", "NOTHING"), "no product"),
        (("--email", "not an address"), "usable e-mail"),
        (("--amount", "12,00"), "plain decimal"),
        (("--amount", "12.001"), "more decimals"),
        (("--amount", "-1"), "total"),
        (("--currency", "XXX"), "not a currency"),
    ],
)
def test_what_cannot_be_entered_is_refused_with_a_sentence(
    stage: Stage, changed: tuple[str, str], because: str
) -> None:
    with pytest.raises(CommandError, match=because):
        run("deliver", *DELIVER, *changed)
    assert stage.snapshot()["orders"] == []


# ---- replay_inbound


@pytest.fixture
def quarantined(stage: Stage) -> Iterator[Stage]:
    """Two deliveries of two shops that wait for a person, for a reason that has gone."""
    stage.post("shopify", sample("shopify/orders-paid.json"), topic="orders/paid")
    stage.post("woocommerce", sample("woocommerce/order.created.json"), topic="order.created")
    with stage.inside():
        deliveries.quarantine(list(Delivery.objects.values_list("pk", flat=True)), reason="Because of us")
    stage.work()
    yield stage


def test_all_that_is_quarantined_is_read_again(quarantined: Stage) -> None:
    said = run("replay_inbound", "--because", "The cause is gone")
    assert said == {"found": 2, "replayed": 2, "dry_run": False}
    settling.work(quarantined.organization.pk)
    state = quarantined.snapshot()
    assert len(state["orders"]) == 2 and state["quarantined"] == []
    with quarantined.inside():
        assert AuditEntry.objects.get(action="delivery.replayed").reason == "The cause is gone"


def test_one_channel_alone(quarantined: Stage) -> None:
    assert run("replay_inbound", "--channel", "woocommerce:store.example.com")["replayed"] == 1
    settling.work(quarantined.organization.pk)
    assert [order["channel"] for order in quarantined.snapshot()["orders"]] == ["woocommerce:store.example.com"]


def test_one_delivery_in_whatever_state(quarantined: Stage) -> None:
    with quarantined.inside():
        pk = Delivery.objects.order_by("pk").values_list("pk", flat=True)[0]
    assert run("replay_inbound", "--id", str(pk))["replayed"] == 1
    settling.work(quarantined.organization.pk)
    before = quarantined.snapshot()
    assert run("replay_inbound", "--id", str(pk))["replayed"] == 1
    settling.work(quarantined.organization.pk)
    assert quarantined.snapshot() == before


def test_trying_out_reads_nothing_again(quarantined: Stage) -> None:
    assert run("replay_inbound", "--dry-run") == {"found": 2, "replayed": 0, "dry_run": True}
    assert settling.work(quarantined.organization.pk) == 0


def test_nothing_to_replay_is_no_failure(stage: Stage) -> None:
    assert run("replay_inbound")["replayed"] == 0


@pytest.mark.parametrize(
    ("arguments", "because"),
    [
        (("--id", "999999"), "no delivery 999999"),
        (("--channel", "shopify"), "KIND:DOMAIN"),
        (("--channel", "shopify:x.example"), "no channel"),
    ],
)
def test_what_is_not_there_cannot_be_replayed(stage: Stage, arguments: tuple[str, ...], because: str) -> None:
    with pytest.raises(CommandError, match=because):
        run("replay_inbound", *arguments)


# ---- rotate_keys


def stored(stage: Stage) -> dict[int, str]:
    with stage.inside(), connection.cursor() as cursor:
        cursor.execute("SELECT id, secret FROM orders_channel WHERE secret <> ''")
        return dict(cursor.fetchall())


def test_every_secret_comes_under_the_first_key(stage: Stage, settings: Any) -> None:
    stage.post("stripe", sample("stripe/checkout.session.completed.json"))
    stage.work()
    before, old = stored(stage), list(settings.ENCRYPTION_KEYS)
    new = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *old]
    assert run("rotate_keys", "--dry-run", organization="")["outdated"] >= len(before) + 1
    assert stored(stage) == before
    said = run("rotate_keys", organization="")
    assert said["rotated"] >= len(before) + 1 and said["outdated"] == said["unreadable"] == 0
    settings.ENCRYPTION_KEYS = [new]
    with stage.inside():
        assert {c.kind: c.secret for c in Channel.objects.filter(built_in=False)} == SECRETS
        assert Email.objects.exclude(secrets="").exists()
    settings.ENCRYPTION_KEYS = [new, *old]
    assert run("rotate_keys", organization="")["rotated"] == 0


def test_every_column_of_secrets_is_an_organizations() -> None:
    """Each is looked through in the context of every organization; one of none would be passed over."""
    assert {(model._meta.label, field.name) for model, field in keys.fields()} >= {
        ("orders.Channel", "secret"),
        ("orders.Channel", "former_secret"),
        ("orders.Channel", "credentials"),
        ("fulfillment.Email", "secrets"),
    }
    assert all(issubclass(model, Tenant) for model, _ in keys.fields())


def test_a_secret_under_a_lost_key_is_told(stage: Stage, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CommandError, match="cannot be read"):
        run("rotate_keys", organization="")


def test_a_secret_changed_meanwhile_is_left_as_it_is(
    stage: Stage, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    write = keys._write

    def write_late(model: Any, field: SecretField, changes: Any) -> int:
        if model is Channel and field.name == "secret":
            channel = Channel.objects.get(kind="stripe")
            channel.secret = "whsec_entered_meanwhile"
            channel.save(update_fields=["secret"])
        return write(model, field, changes)

    monkeypatch.setattr(keys, "_write", write_late)
    assert run("rotate_keys", organization="")["outdated"] == 0
    with stage.inside():
        assert Channel.objects.get(kind="stripe").secret == "whsec_entered_meanwhile"


# ---- verify_profiles


def test_statistics_agree_with_the_facts(stage: Stage) -> None:
    run("generate_orders", "--orders", "20", "--seed", "5")
    said = run("verify_profiles")
    assert said["profiles"] >= 10 and said["differences"] == []


def test_a_wrong_figure_is_found(stage: Stage) -> None:
    run("generate_orders", "--orders", "10", "--seed", "5")
    with stage.inside():
        total = ProfileTotal.objects.order_by("pk")[0]
        ProfileTotal.objects.filter(pk=total.pk).update(net_minor=total.net_minor + 1)
        Profile.objects.filter(pk=total.profile_id).update(strength=100)
        other = ProfileTotal.objects.order_by("-pk")[0]
        ProfileTotal.objects.filter(pk=other.pk).delete()
    with pytest.raises(CommandError, match="figures differ"):
        say("verify_profiles")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("verify_profiles", "--organization", "lantern", "--json", stdout=out)
    found = {(d["profile"], d["what"]) for d in json.loads(out.getvalue())["differences"]}
    assert {(total.profile_id, "net_minor in EUR"), (total.profile_id, "strength")} <= found
    assert (other.profile_id, "orders in EUR") in found
    assert {profile for profile, _ in found} == {total.profile_id, other.profile_id}


# ---- What all of them share


@pytest.mark.parametrize(
    "name", ["run", "generate_orders", "deliver", "replay_inbound", "rotate_keys", "verify_profiles"]
)
def test_the_help_gives_an_example(name: str) -> None:
    from django.core.management import get_commands, load_command_class

    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    told = parser.format_help()
    assert "xample:" in told and "--json" in told


@pytest.mark.parametrize("name", ["generate_orders", "replay_inbound", "verify_profiles"])
def test_an_unknown_organization_is_refused(db: None, name: str) -> None:
    with pytest.raises(CommandError, match="no organization nowhere"):
        run(name, organization="nowhere")
