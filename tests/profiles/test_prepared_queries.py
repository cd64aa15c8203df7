"""Querysets that are built and planned once: they answer what the same queryset answers, whatever the values."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.models import Order
from profiles import prepared
from profiles.models import Identifier, Organization, Profile
from profiles.prepared_queries import PreparedQuery, as_it_opens
from tests.stage import Stage

pytestmark = pytest.mark.django_db

_BY_IDS = PreparedQuery(lambda ids: Profile.objects.filter(pk__in=ids).order_by("pk"))
_BY_NAMES = PreparedQuery(
    lambda names: Profile.objects.filter(name__in=names).order_by("pk").values_list("pk", flat=True)
)
_SPELLED = PreparedQuery(
    lambda profile, kinds: (
        Identifier.objects.filter(profile=profile, kind__in=kinds, status="active")
        .order_by("value")
        .values_list("value", "profile_id")
    )
)
_WITH_OWNER = PreparedQuery(
    lambda ids: Identifier.objects.filter(profile__in=ids).select_related("profile__organization").order_by("pk")
)


def people(stage: Stage, *names: str) -> list[Profile]:
    made = [Profile(organization=stage.organization, name=name) for name in names]
    for one in made:
        one.save()
        Identifier(
            organization=stage.organization, profile=one, kind="email", value=f"{one.pk}@x.example", raw="", spelled=""
        ).save()
    return made


def test_it_answers_what_the_queryset_answers() -> None:
    stage = Stage()
    with stage.inside():
        ada, bob, cem = people(stage, "Ada", "Bob", "Cem")
        for ids in ([ada.pk], [bob.pk, ada.pk], [cem.pk, cem.pk], {ada.pk, bob.pk, cem.pk}, [10**18], []):
            assert _BY_IDS(ids) == list(Profile.objects.filter(pk__in=ids).order_by("pk")), ids
        found = _BY_IDS([ada.pk])[0]
        assert vars(found).keys() == vars(Profile.objects.get(pk=ada.pk)).keys()
        assert not found._state.adding and found.created_at == Profile.objects.get(pk=ada.pk).created_at
        assert _SPELLED(ada.pk, ["email"]) == [(f"{ada.pk}@x.example", ada.pk)]
        assert _SPELLED(ada.pk, ["phone"]) == []
        with CaptureQueriesContext(connection) as asked:
            (row,) = _WITH_OWNER([bob.pk])
            assert row.profile == bob and row.profile.organization == stage.organization
        assert len(asked) == 1


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


def test_any_texts_find_what_the_queryset_finds() -> None:
    stage = Stage()

    @settings(max_examples=60, deadline=None)
    @given(st.sets(TEXTS, max_size=4))
    def found(names: set[str]) -> None:
        wanted = {one.pk for one in people(stage, *names)}
        listed = Profile.objects.filter(name__in=names).order_by("pk").values_list("pk", flat=True)
        assert wanted <= set(listed) and _BY_NAMES(names) == list(listed)

    with stage.inside():
        people(stage, "somebody else")
        found()


def test_a_longer_text_is_not_cut_to_the_length_of_its_column() -> None:
    stage = Stage()
    with stage.inside():
        by_currency: Any = PreparedQuery(lambda codes: Organization.objects.filter(currency__in=codes))
        assert by_currency(["EUR"]) == [stage.organization]
        assert by_currency(["EURO"]) == []


def test_another_organization_is_never_seen() -> None:
    ours, theirs = Stage(), Stage("other")
    with theirs.inside():
        (stranger,) = people(theirs, "Stranger")
        assert _BY_IDS([stranger.pk]) == [stranger]
    with ours.inside():
        assert _BY_IDS([stranger.pk]) == []


def test_what_never_changes_stands_written_out_and_is_planned_once() -> None:
    stage = Stage()
    percent = PreparedQuery(lambda ids: Profile.objects.filter(pk__in=ids, name="100 % 'sure'"))
    with stage.inside():
        (sure,) = people(stage, "100 % 'sure'")
        for _ in range(3):
            assert percent([sure.pk]) == [sure]
        with connection.cursor() as cursor:
            cursor.execute("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%%sure%%'")
            ((statement,),) = cursor.fetchall()
        assert "'100 % ''sure'''" in statement and "$2" not in statement


def test_rows_are_locked_as_the_queryset_says() -> None:
    stage = Stage()
    locked = PreparedQuery(lambda ids: Order.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=ids))
    with stage.inside(), CaptureQueriesContext(connection) as asked:
        assert locked([1]) == []
    assert 'FOR NO KEY UPDATE OF "orders_order"' in asked[-1]["sql"]


def test_it_refuses_what_it_could_not_answer() -> None:
    stage = Stage()
    with stage.inside():
        with pytest.raises(AssertionError, match="prefetch"):
            PreparedQuery(lambda ids: Profile.objects.filter(pk__in=ids).prefetch_related("identifiers"))([1])
        with pytest.raises(AssertionError, match="annotate"):
            PreparedQuery(lambda ids: Profile.objects.filter(pk__in=ids).annotate(twice=F("pk") * 2))([1])
        with pytest.raises(AssertionError, match="ValuesIterable"):
            PreparedQuery(lambda ids: Profile.objects.filter(pk__in=ids).values("pk"))([1])
        with pytest.raises(ValueError, match="argument"):
            _BY_IDS([1], [2])


def test_a_statement_without_rows_says_how_many_it_wrote() -> None:
    stage = Stage()
    with stage.inside():
        made = people(stage, "Ada", "Bob")
        ids = f"{{{made[0].pk},{made[1].pk}}}"
        assert prepared.run("UPDATE profiles_profile SET name = %s WHERE id = ANY(%s::bigint[])", ["Cem", ids]) == 2
        assert prepared.run("UPDATE profiles_profile SET name = %s WHERE id = ANY(%s::bigint[])", ["Cem", "{}"]) == 0


def test_a_list_as_it_opens_is_planned_once_a_connection_and_has_the_same_rows() -> None:
    def known() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%LIMIT 3%%'")
            return int(cursor.fetchone()[0])

    stage = Stage()
    with stage.inside():
        ada, *_ = people(stage, "Ada", "Bob", "Cem", "Dil")
        opens = Identifier.objects.select_related("profile").order_by("-pk")[:3]
        before = known()
        for _ in range(3):
            with CaptureQueriesContext(connection) as asked:
                found = as_it_opens(opens)
                assert [str(row.profile) for row in found] == ["Dil", "Cem", "Bob"]
            assert len(asked) == 1 and known() == before + 1
        assert found == list(opens) and vars(found[0]).keys() == vars(opens[0]).keys()
        few = as_it_opens(Profile.objects.only("name").order_by("pk")[:3])
        assert few[0].get_deferred_fields() and few[0].created_at == ada.created_at


def test_what_names_a_value_or_reads_more_is_asked_as_ever() -> None:
    stage = Stage()
    with stage.inside():
        ada, _ = people(stage, "Ada", "Bob")
        for rows in (
            Profile.objects.filter(name="Bob"),
            Profile.objects.order_by("pk").annotate(twice=F("id") * 2),
            Profile.objects.order_by("pk").prefetch_related("identifiers"),
            Profile.objects.none(),
        ):
            assert as_it_opens(rows) == list(rows.all())
        assert as_it_opens(Profile.objects.order_by("pk").values_list("name", flat=True)) == ["Ada", "Bob"]
        assert as_it_opens(Profile.objects.annotate(twice=F("id") * 2).order_by("pk"))[0].twice == 2 * ada.pk
