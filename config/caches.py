"""The shared cache in Redis, which nothing waits for: without an answer it is an empty cache."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

SAID_EVERY_SECONDS = 60
_said_at = float("-inf")


def _patient(name: str, without: Callable[..., Any]) -> Callable[..., Any]:
    """The method of that name; where Redis does not answer, what an empty cache would say."""
    asked = getattr(RedisCache, name)

    def ask(self: RedisCache, *arguments: Any, **options: Any) -> Any:
        try:
            return asked(self, *arguments, **options)
        except (RedisError, OSError) as error:
            _say(error)
            return without(*arguments, **options)

    return ask


def _say(error: Exception) -> None:
    """Once a minute: the workers ask twice a second."""
    global _said_at
    if time.monotonic() - _said_at >= SAID_EVERY_SECONDS:
        _said_at = time.monotonic()
        log.warning("cache.redis_away", extra={"error": type(error).__name__})


class PatientRedisCache(RedisCache):
    """Counters of throttles and the like: losing them lets a few more requests pass, failing would stop them all."""

    get = _patient("get", lambda key, default=None, version=None: default)
    get_many = _patient("get_many", lambda keys, version=None: {})
    has_key = _patient("has_key", lambda key, version=None: False)
    set = _patient("set", lambda *_, **__: None)
    set_many = _patient("set_many", lambda *_, **__: [])
    add = _patient("add", lambda *_, **__: True)
    touch = _patient("touch", lambda *_, **__: False)
    delete = _patient("delete", lambda *_, **__: False)
    delete_many = _patient("delete_many", lambda *_, **__: None)
    incr = _patient("incr", lambda key, delta=1, version=None: delta)
