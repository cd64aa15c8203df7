"""The shared cache: with Redis it counts for all processes, and without an answer nothing fails."""

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

from config.caches import PatientRedisCache
from tests.servers import RedisServer


def made(kind: type[RedisCache], server: RedisServer) -> BaseCache:
    options = {"OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}}
    return kind(server.url, options)


def test_it_keeps_what_it_is_given(redis_server: RedisServer) -> None:
    cache = made(PatientRedisCache, redis_server)
    cache.set("a", [1])
    assert cache.get("a") == [1] and cache.get_many(["a", "b"]) == {"a": [1]} and not cache.add("a", 2)


def test_without_redis_it_is_an_empty_cache(redis_server: RedisServer) -> None:
    cache = made(PatientRedisCache, redis_server)
    cache.set("a", 1)
    redis_server.stop()
    assert cache.get("a") is None and cache.get("a", 7) == 7 and cache.get_many(["a"]) == {}
    assert cache.add("a", 1) and not cache.delete("a") and not cache.has_key("a") and cache.incr("a") == 1
    cache.set("a", 1)
    cache.set_many({"a": 1})
    cache.delete_many(["a"])
    with pytest.raises(RedisError):
        made(RedisCache, redis_server).get("a")  # the control: Django's own fails the request


def test_the_tests_themselves_have_a_table_for_a_cache() -> None:
    assert type(caches["default"]).__name__ == "DatabaseCache"
