"""Imported orders: their buyers own what they bought, and nobody writes to them unless asked to."""

from pathlib import Path

import pytest

from fulfillment.actions import emails, jobs
from fulfillment.models import Claim, DownloadLink, Email, Entitlement, Followup, Job, Reach
from orders.models import Order
from profiles.actors import Actor
from tests.imports import csv, row, run
from tests.stage import Stage

pytestmark = pytest.mark.django_db(transaction=True)
LEA = Actor(label="Lea", role="lead")


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_what_was_bought_is_theirs_and_no_mail_goes_out(stage: Stage, tmp_path: Path) -> None:
    """Receipt, delivery, invitation, refund, cancellation and follow-ups: each has its row here."""
    rows = [row(1), row(2, status="refunded"), row(3, status="cancelled"), row(4, sku="unknown")]
    run(stage, tmp_path, csv(*rows))
    with stage.inside():
        job = Job.objects.get(entitlement__order__external_id="o-1")
        assert (job.state, job.last_error) == (Job.State.COMPLETED, jobs.QUIET)
        assert Entitlement.objects.get(order__external_id="o-1").downloadable
        for model in (Email, Claim, DownloadLink, Followup, Reach):
            assert not model._base_manager.exists(), model


def test_asked_for_mail_goes_out_as_for_any_order(stage: Stage, tmp_path: Path) -> None:
    run(stage, tmp_path, csv(row(1), row(2, status="refunded")), "--mail")
    with stage.inside():
        assert sorted(Email.objects.values_list("template", flat=True)) == ["receipt", "refund"]
        assert not Order.objects.filter(quiet=True).exists()


def test_a_product_without_a_file_writes_to_nobody_either(stage: Stage, tmp_path: Path) -> None:
    stage.product("EBOOK-LATER", "Later")
    run(stage, tmp_path, csv(row(1, sku="EBOOK-LATER")))
    with stage.inside():
        assert Job.objects.get().state == Job.State.COMPLETED
        assert not Email.objects.exists()


def test_a_person_resends_all_the_same(stage: Stage, tmp_path: Path) -> None:
    run(stage, tmp_path, csv(row(1)))
    with stage.inside():
        entitlement = Entitlement.objects.select_related("order__channel", "product", "profile", "organization").get()
        emails.resend(entitlement, by=LEA, because="the buyer asked", key="k")
    stage.work()
    with stage.inside():
        mail = Email.objects.get()
        assert (mail.template, mail.state, mail.to) == ("delivery", Email.State.KEPT, "buyer1@example.org")


def test_a_later_word_of_the_file_stays_as_quiet_as_the_first(stage: Stage, tmp_path: Path) -> None:
    """Paid later, or refunded later, by an import with --mail: the buyer of an old order still hears nothing."""
    run(stage, tmp_path, csv(row(1, status="pending"), row(2)))
    run(stage, tmp_path, csv(row(1), row(2, status="refunded")), "--mail")
    with stage.inside():
        assert not Email.objects.exists()
        assert list(Order.objects.order_by("external_id").values_list("quiet", flat=True)) == [True, True]
