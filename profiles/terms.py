"""Reading an organization's own terms of work out of its policies (written by `profiles/actions/policies.py`)."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Terms = TypeVar("Terms")


def read(policies: Mapping[str, Any], name: str, checked: Callable[[Mapping[str, Any]], Terms], usual: Terms) -> Terms:
    """The terms of one policy; what is missing or cannot be used is as usual. `checked` raises ValueError."""
    kept = policies.get(name)
    try:
        return checked(kept if isinstance(kept, dict) else {})
    except ValueError:
        return usual
