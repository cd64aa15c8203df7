"""The sidebar is that of the role, and says where one is."""

import re

import pytest

from config import sidebars
from profiles.models import Role
from tests.desk import Desk, sign_in
from tests.stage import Stage


def links(html: str) -> list[str]:
    return re.findall(r'<a href="([^"]+)"', html)


@pytest.mark.django_db
def test_each_role_sees_what_it_may_open() -> None:
    stage = Stage()
    assert set(links(sidebars.drawn(Role.AGENT, "/admin/"))) < set(links(sidebars.drawn(Role.ENGINEER, "/admin/")))
    assert sidebars.drawn("", "/admin/").count("<a ") == 0
    for role in Role.values:
        client = sign_in(stage, role)
        for link in links(sidebars.drawn(role, "/admin/")):
            assert client.get(link).status_code in (200, 302), (role, link)
    assert "/admin/profiles/auditentry/" not in sidebars.drawn(Role.AGENT, "/admin/")


@pytest.mark.django_db
def test_the_entry_of_the_page_one_is_on_is_marked_alone() -> None:
    desk = Desk(Stage())
    client = sign_in(desk.stage, "agent")
    marks = {desk.order_url: "/admin/orders/order/", "/admin/": "/admin/", desk.profile_url: "/admin/profiles/profile/"}
    for url, link in marks.items():
        page = client.get(url).content.decode()
        marked = re.findall(r'<a href="([^"]+)" class="flex h-\[38px\][^"]* active"', page)
        assert marked == [link]


def test_one_drawing_serves_every_row_of_a_list() -> None:
    assert sidebars.drawn("agent", "/admin/orders/order/1/change/") is sidebars.drawn("agent", "/admin/orders/order/2/")
