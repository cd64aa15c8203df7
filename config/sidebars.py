"""The sidebar of the desk, drawn once for each role and place: it is the same on every page of the same list."""

from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString

from config import appearance
from profiles.actors import PERMISSIONS


@lru_cache(maxsize=32)
def groups(role: str) -> tuple[dict[str, Any], ...]:
    """The navigation for a role: only what exists and what the role includes."""
    held = PERMISSIONS.get(role, frozenset())
    found = []
    for title, items in appearance.NAVIGATION:
        shown = [
            {"title": words, "icon": icon, "link": link}
            for words, icon, name, permission in items
            if permission in held and (link := _address(name))
        ]
        if shown:
            found.append({"title": title, "items": shown})
    return tuple(found)


def drawn(role: str, path: str) -> SafeString:
    """The sidebar of a role on the page of this path."""
    first = _address("index")
    links = [item["link"] for group in groups(role) for item in group["items"]]
    return _drawn(role, tuple(link for link in links if link == path or (link != first and link in path)))


# As many as there are roles and entries, a few times over.
@lru_cache(maxsize=512)
def _drawn(role: str, active: tuple[str, ...]) -> SafeString:
    return render_to_string("admin/_sidebar.html", {"groups": groups(role), "active": active})


def _address(name: str) -> str:
    try:
        return reverse(f"admin:{name}")
    except NoReverseMatch:
        return ""
