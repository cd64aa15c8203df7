"""The watch over the workers: canary, restart, leases that run out, work that lost its wake-up call."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django_q.models import OrmQ

from config import drains, dues, publishing, schedules, sending, workers
from fulfillment.actions import jobs
from fulfillment.models import Job, Reach
from orders.actions import deliveries
from orders.models import Delivery
from profiles import clock
from profiles.actions import settlement
from profiles.models import DueWork, Likeness, SettlementRequest
from tests.stage import Stage, sample

# The watch ------------------------------------------------------------------------------------------------------


class Cluster:
    """Stands in for a cluster's process: what the watch asks of it, and what it does to it."""

    def __init__(self, dead: bool = False) -> None:
        self.dead, self.stopped = dead, False

    def poll(self) -> int | None:
        return -9 if self.dead else None


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Cluster]]]:
    """Runs the watch until so many clusters were started or so many rounds have passed; gives the clusters."""
    handlers = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}

    def run(*clusters: Cluster, rounds: int = 6, silent: float = 0.0, sweep: Callable[[], int] | None = None) -> Any:
        waiting, started = list(clusters), []
        count = 0

        def start() -> Cluster:
            started.append(waiting.pop(0) if waiting else Cluster())
            return started[-1]

        def sleep(seconds: float) -> None:
            nonlocal count
            count += 1
            if count >= rounds:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(workers, "_start", start)
        monkeypatch.setattr(workers, "_stop", lambda cluster: setattr(cluster, "stopped", True))
        monkeypatch.setattr("config.workers.time.sleep", sleep)
        monkeypatch.setattr(workers, "silent_for", lambda: silent)
        monkeypatch.setattr(workers, "CANARY_DEAD_SECONDS", 1e-9)
        monkeypatch.setattr(workers, "async_task", lambda *_: None)
        monkeypatch.setattr(drains, "sweep", sweep or (lambda: 0))
        monkeypatch.setattr(schedules, "wake", lambda: 0)
        monkeypatch.setattr(drains, "search_all", lambda: 0)
        monkeypatch.setattr(publishing, "forget_all", lambda: 0)
        monkeypatch.setattr(sending, "start", lambda: SimpleNamespace(end=lambda: None))
        workers.supervise()
        return started

    yield run
    for one, handler in handlers.items():
        signal.signal(one, handler)


def test_a_cluster_that_sings_is_left_alone_and_ended_with_the_watch(watch: Any) -> None:
    (only,) = watch(Cluster())
    assert only.stopped


def test_a_dead_cluster_is_started_again(watch: Any) -> None:
    first, second = watch(Cluster(dead=True))
    assert first.stopped and second.stopped


def test_a_cluster_that_looks_alive_and_sings_no_more_is_started_again(watch: Any) -> None:
    assert len(watch(Cluster(), silent=1_000.0)) > 1


def test_while_the_database_is_away_nobody_is_blamed(watch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "SWEEP_SECONDS", 0)
    monkeypatch.setattr(workers, "close_old_connections", lambda: None)

    def away() -> int:
        raise OperationalError("the database is starting up")

    assert len(watch(Cluster(), silent=1_000.0, sweep=away)) == 1


def test_the_canarys_song_is_heard(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE config_canary SET sang_at = now() - interval '1 hour'")
        if not cursor.rowcount:
            cursor.execute("INSERT INTO config_canary (sang_at) VALUES (now() - interval '1 hour')")
    assert workers.silent_for() > 3_599
    workers.sing()
    assert workers.silent_for() < 5


# What a killed worker leaves behind -----------------------------------------------------------------------------


@pytest.fixture
def stage(db: None) -> Stage:
    stage = Stage()
    assert stage.post("stripe", sample("stripe/checkout.session.completed.json")).status_code == 200
    return stage


QUEUES = (drains.inbox, drains.settlements, drains.fulfilment)
CLAIMS: dict[str, tuple[Any, Any]] = {
    "delivery": (Delivery, deliveries.claim),
    "settlement": (SettlementRequest, settlement.claim),
    "job": (Job, None),
}


@pytest.mark.parametrize("place", range(3), ids=CLAIMS)
def test_what_was_claimed_is_nobody_elses_until_its_lease_ends(stage: Stage, place: int) -> None:
    model, claim = list(CLAIMS.values())[place]
    for queue in QUEUES[:place]:
        queue(stage.organization.pk)
    with stage.inside():
        assert len((claim or jobs.claim)(10)) == 1, "by a worker that is then killed"
    stage.work()
    assert [mail["template"] for mail in stage.snapshot()["emails"]] == []
    _, claimed = dues.outlook(stage.organization.pk)
    assert claimed is not None and claimed - clock.real() <= timedelta(seconds=90)
    with stage.inside():
        model.objects.update(lease_until=clock.real() - timedelta(seconds=1))
    stage.work()
    assert [mail["count"] for mail in stage.snapshot()["emails"]] == [1]


def test_what_kills_three_workers_is_set_aside_and_the_others_go_on(stage: Stage) -> None:
    """F19: the attempt is counted before the work, so that poison cannot go round for ever."""
    for _ in range(deliveries.ATTEMPTS):
        with stage.inside():
            assert len(deliveries.claim(10)) == 1
            Delivery.objects.update(lease_until=clock.real() - timedelta(seconds=1))
    stage.post("shopify", sample("shopify/orders-paid.json"), topic="orders/paid")
    stage.work()
    state = stage.snapshot()
    assert [row["channel"].split(":")[0] for row in state["orders"]] == ["shopify"]
    assert [row["reason"] for row in state["quarantined"]] == [deliveries._GIVE_UP]


@pytest.mark.parametrize("place", range(3), ids=CLAIMS)
def test_one_that_kills_its_worker_takes_no_others_with_it(stage: Stage, place: int) -> None:
    """F19 for a whole batch: after two deaths each row is taken alone, and only the poisonous one is set aside."""
    model, claim_or_none = list(CLAIMS.values())[place]
    claim = claim_or_none or jobs.claim
    body = sample("shopify/orders-paid.json")
    for number in range(7):
        body.update(id=100 + number, name=f"#{number}", email=f"b{number}@example.org", phone=None)
        stage.post("shopify", body, topic="orders/paid", delivery=str(number))
    for queue in QUEUES[:place]:
        queue(stage.organization.pk)
    with stage.inside():
        poison = model.objects.order_by("-pk")[0].pk
    done: set[int] = set()
    for _ in range(60):
        with stage.inside():
            rows = [getattr(row, "id", row) for row in claim(50)]
            if not rows and not model.objects.filter(pk=poison, lease_until__isnull=False).exists():
                break
            if poison in rows:  # the worker dies, and its leases run out
                model.objects.filter(pk__in=rows).update(lease_until=clock.real() - timedelta(seconds=1))
            else:
                done.update(rows)
                model.objects.filter(pk__in=rows).update(lease_until=clock.real() + timedelta(days=1))
    with stage.inside():
        others = set(model.objects.exclude(pk=poison).filter(lease_until__gt=clock.real()).values_list("pk", flat=True))
        set_aside = model.objects.get(pk=poison)
    assert others and others <= done
    assert set_aside.state in ("quarantined", "dead", "failed")


def test_work_whose_wake_up_call_was_lost_is_found(stage: Stage) -> None:
    """F16, F21: were every task and every marker gone, the tables themselves would still be asked."""
    assert OrmQ.objects.exists() and DueWork.objects.exists()
    OrmQ.objects.all().delete()
    DueWork.objects.all().delete()
    assert drains.search_all() == 1
    DueWork.objects.update(due_at=clock.real() - timedelta(minutes=1))
    assert drains.sweep() == 1 and OrmQ.objects.count() == 1
    assert drains.sweep() == 0, "one call at a time"


def test_a_delivery_that_finds_a_marker_due_waits_for_the_next_sweep_and_no_longer(stage: Stage) -> None:
    """A drain that ends leaves a marker for later; who comes when that is due takes it for a task under way."""
    DueWork.objects.update(due_at=clock.real() - timedelta(seconds=2))
    OrmQ.objects.all().delete()
    assert stage.post("api", sample("api/order.json") | {"external_id": "late"}).status_code == 200
    with stage.inside():
        assert Delivery.objects.filter(state="queued", channel=stage.channels["api"]).exists()
    assert OrmQ.objects.count() == 0
    assert drains.sweep() == 1 and OrmQ.objects.count() == 1
    DueWork.objects.update(due_at=clock.real() - timedelta(seconds=2))
    assert drains.sweep() == 0, "a task waits for a worker: another would only lengthen the queue"
    DueWork.objects.update(due_at=clock.real() - timedelta(seconds=6))
    assert drains.sweep() == 1, "yet nobody waits for long behind the tasks of others"


def test_a_marker_comes_due_again_when_its_worker_dies(stage: Stage) -> None:
    """The marker is a lease too: a drain that was killed leaves it in the future, never gone."""
    drains._take_marker(stage.organization.pk)
    marker = DueWork.objects.get()
    assert timedelta(0) < marker.due_at - clock.real() <= drains.LEASE
    DueWork.objects.update(due_at=clock.real() - timedelta(seconds=6))
    OrmQ.objects.all().delete()
    assert drains.sweep() == 1 and OrmQ.objects.count() == 1


def test_a_drain_leaves_nothing_due_and_looks_once_more(stage: Stage) -> None:
    assert drains.drain(stage.organization.pk) > 0
    # The customer is compared with others once they have been quiet for a while.
    unclaimed, claimed = dues.outlook(stage.organization.pk)
    assert claimed is None and unclaimed is not None and unclaimed > clock.real()
    assert DueWork.objects.get().due_at - clock.real() <= drains.ECHO
    with stage.inside():
        Likeness.objects.update(due_at=clock.real())
        Reach.objects.all().delete()  # tomorrow it is looked whether the buyer was reached
    assert drains.drain(stage.organization.pk) == 1
    assert dues.outlook(stage.organization.pk) == (None, None)
    assert drains.drain(stage.organization.pk) == 0
    assert not DueWork.objects.exists()


def test_a_delivery_that_comes_while_all_is_drained_moves_the_marker(stage: Stage) -> None:
    drains._take_marker(stage.organization.pk)
    OrmQ.objects.all().delete()
    stage.post("shopify", sample("shopify/orders-paid.json"), topic="orders/paid")
    assert DueWork.objects.get().due_at <= clock.real() and OrmQ.objects.count() == 1
