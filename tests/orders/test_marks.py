"""The triggers that mark stale days: those of former releases become those of this one."""

import re

import pytest
from django.db import connection

from config import databases
from orders import marks

FUNCTIONS = "SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE proname ~ %s ORDER BY proname"
NAMES = "_mark_[a-z]+_(insert|update|delete)$"


def as_formerly(words: str) -> str:
    """The function as former releases made it: its statement planned anew each time."""
    words = words.replace(" SET enable_seqscan TO 'off'\n", "")
    words = words.replace("THEN\n    INSERT", "THEN EXECUTE $mark$\n    INSERT")
    return words.replace("m.organization_id;\n", "m.organization_id $mark$;\n")


def functions() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS, [NAMES])
        return {name: re.sub(r"\s+", " ", words).replace(" ;", ";") for name, words in cursor.fetchall()}


@pytest.mark.django_db(transaction=True)
def test_triggers_of_former_releases_become_those_of_this_one() -> None:
    made = functions()
    assert len(made) == 18  # insert, update and delete of six sets
    with databases.as_owner(), connection.cursor() as cursor:
        cursor.execute(FUNCTIONS, [NAMES])
        try:
            for _, words in cursor.fetchall():
                cursor.execute(as_formerly(words))
            assert all("EXECUTE $mark$" in words and "seqscan" not in words for words in functions().values())
        finally:
            cursor.execute(marks.PLANNED_ONCE)
    assert functions() == made
    with databases.as_owner(), connection.cursor() as cursor:
        cursor.execute(marks.PLANNED_ONCE)  # a second time changes nothing
    assert functions() == made
