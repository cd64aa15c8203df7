"""The sentence that customers read on their pages while something is out of order: how it is kept and when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

POLICY: Final = "notice"
"""Under which name an organization's policies keep it."""
LONGEST: Final = 300
LASTS_AT_MOST: Final = timedelta(days=7)


def write(text: str, *, until: datetime, now: datetime) -> dict[str, str]:
    """What is kept; raises ValueError with a sentence for what cannot be shown."""
    words = " ".join(text.split())
    if not words:
        raise ValueError("Write what customers shall read.")
    if len(words) > LONGEST:
        raise ValueError(f"Keep it short: at most {LONGEST} characters.")
    if not now < until <= now + LASTS_AT_MOST:
        raise ValueError("It ends between now and a week from now.")
    return {"text": words, "until": until.isoformat()}


def read(kept: Mapping[str, Any] | None, *, now: datetime) -> str:
    """What customers read now, '' for nothing."""
    if not kept:
        return ""
    try:
        until = datetime.fromisoformat(str(kept["until"]))
    except (KeyError, ValueError):
        return ""
    return str(kept.get("text", "")) if until.tzinfo is not None and now < until else ""
