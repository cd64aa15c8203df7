"""The trigrams search goes by: every three letters of a text, each behind its organization's number."""

from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

BY_A_QUERY = """
SELECT profiles_trigrams(%s, %s), ARRAY(SELECT DISTINCT %s || ':' || substr(lower(t), i, 3)
  FROM (SELECT %s::text AS t) x, generate_series(1, length(t) - 2) AS i)
"""
LETTERS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)


class Trigrams(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(LETTERS | st.text("abİ%_", max_size=12), st.integers(1, 2**40))
    def test_they_are_those_of_a_query(self, text: str, organization: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(BY_A_QUERY, [organization, text, str(organization), text])
            made, queried = cursor.fetchone()
        assert set(made) == set(queried)

    def test_of_too_few_letters_there_are_none(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT profiles_trigrams(1, ''), profiles_trigrams(1, 'ab'), profiles_trigrams(1, NULL)")
            assert cursor.fetchone() == ([], [], [])
            cursor.execute("SELECT profiles_trigrams(7, 'AbCd')")
            assert cursor.fetchone() == (["7:abc", "7:bcd"],)
