"""Secrets at rest: encrypted with the first of ENCRYPTION_KEYS, readable with any of them, never shown again."""

from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class SecretUnreadable(Exception):
    """None of ENCRYPTION_KEYS decrypts this value: a key was taken away before `manage.py rotate_keys` ran."""


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The plain text; raises SecretUnreadable."""
    try:
        return _cipher(tuple(settings.ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable("A stored secret cannot be read with any of ENCRYPTION_KEYS.") from error


def rotate(token: str) -> str:
    """The same secret under the first key."""
    return _cipher(tuple(settings.ENCRYPTION_KEYS)).rotate(token.encode()).decode()


class SecretField(models.TextField):
    """Text that is encrypted in the database and plain in Python. Never filter by it."""

    def get_prep_value(self, value: Any) -> Any:
        return encrypt(value) if value else value

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return decrypt(value) if value else value
