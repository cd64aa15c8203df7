"""Noting which facts bear which identifiers, and finding the values that many people share (IDENTITY.md, step 2)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from profiles import bulk, prepared
from profiles.models import Fact, Sighting
from profiles.rules import Rules, is_strong

_NOTE = """
INSERT INTO profiles_sighting (organization_id, key, fact, fact_id, at, others)
SELECT %s::bigint, v.key, %s, v.fact_id, v.at, v.others::text[]
  FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[], %s::text[]) AS v(key, fact_id, at, others)
ON CONFLICT (organization_id, key, fact, fact_id) DO UPDATE SET at = excluded.at, others = excluded.others
"""
_CROWDED = """
SELECT s.key FROM profiles_sighting s, unnest(s.others) AS o
 WHERE s.key = ANY(%s::text[]) GROUP BY s.key HAVING count(DISTINCT o) >= %s
"""
_SEEN = "SELECT s.key, s.at, o FROM profiles_sighting s, unnest(s.others) AS o WHERE s.key = ANY(%s::text[])"


def note(facts: Sequence[Fact]) -> None:
    """Write down what these facts bear now, and strike what they bore before. They are of one model, and saved."""
    if not facts:
        return
    model = type(facts[0])
    keys: list[str] = []
    ids: list[int] = []
    moments: list[datetime] = []
    others: list[str] = []
    for fact in facts:
        strong = [key for key in fact.identifiers if is_strong(key)]
        for key in fact.identifiers:
            keys.append(key)
            ids.append(fact.pk)
            moments.append(fact.happened_at)
            others.append(bulk.array_literal(other for other in strong if other != key))
    if keys:
        prepared.run(
            _NOTE,
            [
                str(facts[0].organization_id),
                model._meta.label,
                bulk.array_literal(keys),
                bulk.array_of_numbers(ids),
                bulk.array_literal(map(str, moments)),
                bulk.array_literal(others),
            ],
        )
    for fact in facts:
        gone = set(fact.settled_identifiers or ()) - set(fact.identifiers)
        if gone:
            Sighting.objects.filter(key__in=gone, fact=model._meta.label, fact_id=fact.pk).delete()


def crowded(keys: Iterable[str], rules: Rules) -> list[str]:
    """Which of these keys so many others were seen with that they are shared, by the facts known now."""
    asked = list(keys)
    if not asked:
        return []
    least = min(rules.shared_from.values())
    suspects = [key for (key,) in prepared.fetch(_CROWDED, [bulk.array_literal(asked), least])]
    if not suspects:
        return []
    seen: dict[str, list[tuple[datetime, str]]] = {}
    for key, at, other in prepared.fetch(_SEEN, [bulk.array_literal(suspects)]):
        seen.setdefault(key, []).append((at, other))
    return sorted(key for key in suspects if rules.shared(key, seen[key]))


def bearing(keys: Iterable[str]) -> dict[str, list[int]]:
    """The facts that bear any of these keys: ids by app.Model."""
    found: dict[str, list[int]] = {}
    rows = Sighting.objects.filter(key__in=list(keys)).values_list("fact", "fact_id").distinct()
    for label, fact_id in rows.order_by("fact", "fact_id"):
        found.setdefault(label, []).append(fact_id)
    return found
