"""What the columns of other people's files mean, kept under a name for the next such file."""

from collections.abc import Mapping
from typing import Any

from orders.files import dialects
from orders.files.dialects import Columns, Mode
from orders.models import ColumnMapping
from profiles import clock
from profiles.actions import audit
from profiles.actors import Actor, Invalid
from profiles.models import Organization


def keep(
    organization: Organization, name: str, mode: Mode, terms: Mapping[str, Any], *, by: Actor, because: str
) -> ColumnMapping:
    """Keep what the columns of such files mean under a name; the same name again replaces it. Raises Invalid."""
    by.require("import_files")
    reason = audit.require_reason(because)
    if missing := [field for field in dialects.NEEDED[mode] if not terms["columns"].get(field)]:
        words = ", ".join(dialects.FIELDS[mode][field] for field in missing)
        raise Invalid(f"Say in which column these stand: {words}.")
    if unknown := sorted(set(terms["columns"]) - set(dialects.FIELDS[mode])):
        raise Invalid(f"{', '.join(unknown)} is nothing that is read of a file of {mode.value}.")
    kept, _ = ColumnMapping.objects.update_or_create(
        organization=organization, name=name.strip()[:100], defaults={**terms, "mode": mode, "changed_at": clock.now()}
    )
    audit.record("mapping.kept", by=by, subject=kept, because=reason, details={"columns": terms["columns"]})
    return kept


def named(name: str) -> ColumnMapping:
    """Raises Invalid where nobody kept one by that name."""
    found = ColumnMapping.objects.filter(name=name).first()
    if found is None:
        raise Invalid(f"There is no mapping {name}: keep one in the desk, under Imports.")
    return found


def columns(mapping: ColumnMapping) -> Columns:
    """The same for the rules that read files."""
    return Columns(
        name=mapping.name,
        mode=Mode(mapping.mode),
        columns=mapping.columns,
        decimals=mapping.decimals,
        dates=mapping.dates,
        encoding=mapping.encoding,
        delimiter=mapping.delimiter,
        statuses=mapping.statuses,
        silent=mapping.silent,
    )
