"""Health: alive, ready, measured, in few queries and without anybody's data."""

import pytest
from django.db import DatabaseError, connection

from config import health


def test_a_living_process_says_so_without_the_database(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_other_methods_are_refused(client):
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_ready_means_the_database_is_there_with_our_schema(client, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["unapplied_migrations"] == 0


@pytest.mark.django_db
def test_a_missing_migration_is_not_ready(client):
    with connection.cursor() as cursor:
        cursor.execute("delete from django_migrations where app = 'axes' and name = '0001_initial'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["unapplied_migrations"] == 1


def test_no_database_is_not_ready(client, monkeypatch):
    def unreachable():
        raise DatabaseError("connection to server at … failed for user app")

    monkeypatch.setattr(health, "_applied_migrations", unreachable)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "unreachable"}


@pytest.mark.django_db
def test_prometheus_reads_requests_and_the_age_of_the_oldest_work(client):
    client.get("/healthz")
    answer = client.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain")
    text = answer.content.decode()
    assert 'aftersale_requests_total{method="GET",route="healthz",status="200"}' in text
    assert "aftersale_oldest_due_seconds 0.0" in text
    assert "aftersale_database_up 1.0" in text


def test_prometheus_learns_that_the_database_is_away(client, monkeypatch):
    def unreachable():
        raise DatabaseError("away")

    monkeypatch.setattr(health, "FIGURES", {"aftersale_x": ("X.", unreachable)})
    assert b"aftersale_database_up 0.0" in client.get("/metrics").content
