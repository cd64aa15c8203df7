"""What every request passes: an id, a line in the log without anything private, and its content policy."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import path

from config import middleware


def _page(request, **parts):
    return HttpResponse("ok")


urlpatterns = [
    path("admin/", _page),
    path("api/docs", _page),
    path("download/<str:token>", _page),
    path("", _page),
]

pytestmark = pytest.mark.urls(__name__)


@pytest.mark.parametrize(("address", "unsafe"), [("/", []), ("/download/abc", [])])
def test_customers_pages_have_the_strict_policy(client, address, unsafe):
    policy = client.get(address)["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_desk_has_a_policy_of_its_own(client):
    policy = client.get("/admin/")["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_documentation_may_style_but_not_evaluate(client):
    policy = client.get("/api/docs")["Content-Security-Policy"]
    assert "'unsafe-inline'" in policy
    assert "unsafe-eval" not in policy


def test_a_request_keeps_the_id_it_brings(client):
    assert client.get("/", headers={"X-Request-ID": "front-0123456789"})["X-Request-ID"] == "front-0123456789"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "line\tbreak-and-more", '{"json": "injection"}'])
def test_a_request_without_a_usable_id_is_given_one(client, given):
    found = client.get("/", headers={"X-Request-ID": given})["X-Request-ID"]
    assert found != given
    assert len(found) == 32


def test_the_line_of_a_request_has_the_route_and_not_the_path(client, caplog):
    caplog.set_level("INFO")
    client.get("/download/very-secret-token?email=ada@example.com", REMOTE_ADDR="203.0.113.9")
    (line,) = [record.msg for record in caplog.records if record.name == "aftersale.requests"]
    assert (line["event"], line["route"], line["status"]) == ("answered", "download/<str:token>", 200)
    assert not any(private in str(line) for private in ("very-secret-token", "ada@example.com", "203.0.113.9"))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "198.51.100.7", "192.0.2.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "forged, 198.51.100.7", "198.51.100.7"),
        (2, "forged, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (2, "198.51.100.7", "192.0.2.1"),
        (1, "", "192.0.2.1"),
    ],
)
def test_the_address_of_a_client_is_what_our_own_proxies_saw(proxies, forwarded, expected):
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": forwarded})
    with override_settings(TRUSTED_PROXIES=proxies):
        assert middleware.client_address(request) == expected
