"""Parts of a page that are drawn once: never for another's eyes, and never other than unfold draws them."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template import Context, RequestContext, Template, TemplateSyntaxError
from django.test import Client, RequestFactory, override_settings
from django.utils.safestring import SafeString

from support.templatetags import kept
from tests.desk import Desk, Sign
from tests.stage import Stage
from tests.support.test_lists import ALL_LISTS, listed, one_more_of_each

# Templates of unfold that ours stand before, and that must look alike.
COPIED = (
    "layouts/skeleton.html",
    "helpers/navigation.html",
    "helpers/navigation_user.html",
    "helpers/userlinks.html",
    "helpers/change_list_filter.html",
)


def drawn(source: str, **values: Any) -> str:
    return Template("{% load kept %}" + source).render(Context(values))


def test_a_part_is_drawn_once_for_equal_values_and_anew_for_others() -> None:
    asked: list[str] = []

    class Said(str):
        def __str__(self) -> str:
            asked.append(self)
            return str.__str__(self)

    template = Template("{% load kept %}{% kept name=name %}Hello {{ name }}{% endkept %}")
    said = [template.render(Context({"name": Said(name)})) for name in ("Ada", "Ada", "Bo", "Ada")]
    assert said == ["Hello Ada", "Hello Ada", "Hello Bo", "Hello Ada"]
    assert asked == ["Ada", "Bo"]


def test_what_a_part_does_not_name_it_cannot_show() -> None:
    request = RequestFactory().get("/")
    template = Template(
        "{% load kept %}{% kept a=a %}{{ a }}{{ b }}{{ user }}{{ request.path }}{% csrf_token %}{% endkept %}"
    )
    assert template.render(RequestContext(request, {"a": 1, "b": 2, "csrf_token": "x"})) == "1"


def test_a_text_is_escaped_even_where_an_equal_one_was_safe() -> None:
    template = Template("{% load kept %}{% kept a=a b=b %}{{ a }}{{ b.0.x }}{% endkept %}")
    safe, typed = SafeString("<b>"), "<b>"
    assert template.render(Context({"a": safe, "b": [{"x": safe}]})) == "<b><b>"
    assert template.render(Context({"a": typed, "b": [{"x": safe}]})) == "&lt;b&gt;<b>"
    assert template.render(Context({"a": safe, "b": [{"x": typed}]})) == "<b>&lt;b&gt;"
    assert template.render(Context({"a": 1, "b": ()})) == "1"
    assert template.render(Context({"a": True, "b": ()})) == "True"


def test_a_part_includes_others_with_its_own_values_alone() -> None:
    part = '{% kept text=word %}{% include "unfold/helpers/label.html" %}{% endkept %}'
    assert "Demo" in drawn(part, word="Demo", href="/secret") and "/secret" not in drawn(
        part, word="Demo", href="/secret"
    )


def test_nothing_is_kept_by_what_cannot_be_compared() -> None:
    with pytest.raises(TypeError, match="texts, numbers"):
        drawn("{% kept who=who %}{{ who }}{% endkept %}", who=object())
    with pytest.raises(TemplateSyntaxError):
        drawn("{% kept who %}{{ who }}{% endkept %}", who="Ada")


def test_no_more_drawings_are_kept_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "AT_MOST", 3)
    template = Template("{% load kept %}{% kept n=n %}{{ n }}{% endkept %}")
    assert [template.render(Context({"n": n})) for n in range(10)] == [str(n) for n in range(10)]
    (node,) = template.nodelist.get_nodes_by_type(kept.KeptNode)
    assert 0 < len(node.drawings) <= 3  # type: ignore[attr-defined]


def test_every_page_looks_as_unfold_draws_it(desk: Desk, sign: Sign, tmp_path: Path) -> None:
    one_more_of_each(desk, 1)
    orders = desk.url("orders_order_changelist")
    urls = [listed(desk, name) for name in ALL_LISTS]
    urls += [
        f"{orders}?payment_status__exact=paid&q=maya",
        f"{orders}?needs=customer",
        f"{orders}?currency=EUR&q=%3Cb%3E",
    ]
    urls += [desk.url("profiles_profile_changelist"), desk.url("index"), desk.order_url]
    client = sign("engineer")
    ours = [_page(client, url) for url in urls]
    shutil.copytree(Path(settings.BASE_DIR) / "templates", tmp_path / "templates")
    for name in COPIED:
        (tmp_path / "templates" / "unfold" / name).unlink()
    with override_settings(TEMPLATES=[{**settings.TEMPLATES[0], "DIRS": [tmp_path / "templates"]}]):
        for url, page in zip(urls, ours, strict=True):
            assert page == _page(client, url), url
    assert all("<aside" in page or 'id="nav-sidebar"' in page for page in ours)


def test_two_people_of_two_organizations_each_see_their_own_frame(desk: Desk, sign: Sign) -> None:
    other = Stage(slug="other")
    mine, theirs = sign("agent"), sign("auditor", other)
    url = desk.url("orders_order_changelist")
    for _ in range(2):
        own, foreign = mine.get(url).content.decode(), theirs.get(url).content.decode()
        assert f"agent.{desk.stage.slug}" in own and "auditor.other" not in own
        assert "auditor.other" in foreign and f"agent.{desk.stage.slug}" not in foreign
        assert desk.stage.organization.name in own and other.organization.name in foreign


def _page(client: Client, url: str) -> str:
    """A page without what is another each time, and without the space between its elements."""
    answer = client.get(url)
    assert answer.status_code == 200, url
    page = re.sub(r'(csrfmiddlewaretoken" value=")\w+', r"\1", answer.content.decode())
    page = re.sub(r"(<time[^>]*>)[^<]*|\d+ s ago|just now", r"\1", page)
    return re.sub(r"\s*([<>])\s*", r"\1", re.sub(r"\s+", " ", page))
