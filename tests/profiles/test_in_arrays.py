"""A long `__in` list travels as one array and finds what Django's own list finds."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.db.models import CharField, ForeignKey, IntegerField
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.functions import Lower
from django.db.models.lookups import In
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import Order
from profiles.in_arrays import MANY
from profiles.models import Profile
from tests.stage import Stage

FEW, LONG = range(MANY - 1), range(MANY)
GREATEST = 2**63 - 1


@pytest.fixture
def stage(db: None) -> Stage:
    made = Stage()
    with made.inside():
        Profile.objects.bulk_create(
            [Profile(organization=made.organization, name=f"Buyer {n}") for n in range(MANY)]
            + [Profile(organization=made.organization, name=name) for name in ('a"b', "c,d", "{e}", "\\f", "NULL", "")]
        )
    return made


def test_a_long_list_is_one_parameter_and_a_short_one_is_written_out(stage: Stage) -> None:
    with stage.inside():
        assert "= ANY({0,1,2," in str(Profile.objects.filter(pk__in=LONG).query)
        assert " IN (0, 1, 2," in str(Profile.objects.filter(pk__in=FEW).query)
        assert "= ANY({0,1,2," in str(Order.objects.filter(profile__in=set(LONG)).query)


@given(
    ids=st.lists(st.integers(-GREATEST - 5, GREATEST + 5) | st.sampled_from([None, True, "7", 3, 4])),
    texts=st.lists(st.sampled_from(['a"b', "c,d", "{e}", "\\f", "NULL", "", "null", None, "Buyer 3", 3])),
    places=st.sets(st.integers(0, MANY - 1)),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_finds_what_djangos_own_finds(stage: Stage, ids: list[Any], texts: list[Any], places: set[int]) -> None:
    with stage.inside():
        own = list(Profile.objects.order_by("pk").values_list("pk", flat=True))
        named = [own[place] for place in places]
        for values in ([*ids, *named], [*named, *range(-MANY, 0)], [*ids, *named, *range(-MANY, 0)]):
            _same("pk__in", values)
            _same("merged_into__in", values)
        for words in ([*texts], [*texts, *map(str, LONG)]):
            _same("name__in", words)


def _same(lookup: str, values: Sequence[Any]) -> None:
    def found() -> list[Any]:
        yes, no = Profile.objects.filter(**{lookup: values}), Profile.objects.exclude(**{lookup: values})
        return [sorted(rows.values_list("pk", flat=True)) for rows in (yes, no)]

    ours = found()
    fields = {IntegerField: In, CharField: In, ForeignKey: RelatedIn}
    former = {field: field.get_lookups()["in"] for field in fields}  # type: ignore[attr-defined]
    for field, plain in fields.items():
        field.register_lookup(plain)  # type: ignore[attr-defined]
    try:
        assert ours == found(), f"{lookup} {values}"
    finally:
        for field, array in former.items():
            field.register_lookup(array)  # type: ignore[attr-defined]


def test_what_is_no_plain_value_is_left_to_django(stage: Stage) -> None:
    with stage.inside():
        people = list(Profile.objects.all())
        assert Order.objects.filter(profile__in=people).count() == 0
        assert Profile.objects.filter(pk__in=Profile.objects.values("pk")).count() == len(people)
        assert Profile.objects.filter(pk__in=[]).count() == 0
        with pytest.raises(ValueError, match="number"):
            Profile.objects.filter(pk__in=["x", *LONG]).count()


def test_a_computed_text_is_compared_with_an_array_too(stage: Stage) -> None:
    with stage.inside():
        words = [f"buyer {n}" for n in LONG]
        rows = Profile.objects.annotate(small=Lower("name")).filter(small__in=words)
        assert rows.count() == MANY and "= ANY(" in str(rows.query)
