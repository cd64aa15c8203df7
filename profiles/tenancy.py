"""The wall between organizations: the context every query runs in, and the migration operation that builds the wall.

Row-level security is forced on every tenant table; a query outside `organization()` sees nothing. The setting is local
to the transaction, so that a pooled or reused connection never carries one tenant's context into the next request.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction
from django.db.migrations.operations.base import Operation

from profiles import prepared

SETTING = "app.organization_id"
POLICY = f"nullif((select current_setting('{SETTING}', true)), '')::bigint"

# set_config evaluates after the subselect has read the former value: one round trip for both.
_ENTER = f"""
select former, set_config('{SETTING}', %s::text, true)
  from (select current_setting('{SETTING}', true) as former offset 0) f
"""
_RETURN = f"select set_config('{SETTING}', %s::text, true)"


class NoOrganization(Exception):
    """A tenant's data was asked for outside the context of any organization."""


@contextmanager
def organization(organization_id: int) -> Iterator[None]:
    """Run the block in one transaction that sees and writes only this organization's rows; may be nested.

    The former context is restored at the end, because a surrounding transaction (a test's, say) outlives the block.
    """
    alone = not connection.in_atomic_block
    with transaction.atomic():
        former = None
        if not (alone and prepared.begin(f"SELECT set_config('{SETTING}', '{int(organization_id)}', true)")):
            ((former, _),) = prepared.fetch(_ENTER, [str(int(organization_id))])
        yield
        # It ends with the transaction, and an error's rollback restores it: a statement would only hide the error.
        if not alone and (former or "") != str(organization_id) and not connection.needs_rollback:
            prepared.fetch(_RETURN, [former or ""])


def current() -> int:
    """The organization of the running transaction; raises NoOrganization outside one."""
    with connection.cursor() as cursor:
        cursor.execute(f"select {POLICY}")
        found = cursor.fetchone()[0]
    if found is None:
        raise NoOrganization("No organization is set: run this inside tenancy.organization(…).")
    return int(found)


class TenantForeignKey(models.ForeignKey):
    """A reference between tenant tables: in the database it is (organization_id, column), made by `Secure`.

    A plain foreign key checks past row-level security and so accepts another organization's row.
    """

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **options: Any) -> None:
        options.setdefault("db_constraint", False)
        options.setdefault("db_index", False)
        super().__init__(to, on_delete, **options)


class Secure(Operation):
    """Put tables of this app behind the wall: policy, organization first in the key, composite references.

    Running it again for a table that gained a reference adds what is missing and leaves the rest.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, *names: str, references: bool = True) -> None:
        self.names = names
        # History outlives what it points to.
        self.references = references

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return (self.__class__.__qualname__, list(self.names), {} if self.references else {"references": False})

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        found = [to_state.apps.get_model(app_label, name) for name in self.names]
        for model in found:
            for statement in wall(model._meta.db_table, key=model._meta.pk.column):
                schema_editor.execute(statement)
        for model in found if self.references else ():
            for field in model._meta.local_fields:
                if isinstance(field, TenantForeignKey):
                    target = field.remote_field.model._meta.db_table
                    for statement in reference(model._meta.db_table, field.column, target):
                        schema_editor.execute(statement)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass  # the tables go with their CreateModel

    def describe(self) -> str:
        return f"Put {', '.join(self.names)} behind row-level security"


class InEachOrganization(Operation):
    """Run one statement for each organization in its own context: what row-level security asks of data migrations."""

    reversible = True
    reduces_to_sql = False

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT id FROM profiles_organizationroute ORDER BY id")
            for (organization_id,) in cursor.fetchall():
                cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(organization_id)])
                cursor.execute(self.sql)
            cursor.execute("SELECT set_config(%s, '', true)", [SETTING])

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        pass

    def describe(self) -> str:
        return "Run a statement in each organization"


def wall(table: str, *, key: str = "id") -> list[str]:
    """SQL that makes one table a tenant table: forced policy, primary key led by the organization."""
    return [
        f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{table}_pkey" CASCADE',
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_pkey" PRIMARY KEY (organization_id, "{key}")',
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'DROP POLICY IF EXISTS tenant ON "{table}"',
        f'CREATE POLICY tenant ON "{table}" USING (organization_id = {POLICY})',
    ]


def reference(table: str, column: str, target: str) -> list[str]:
    """SQL for one composite foreign key. Deferred, because batches write parents and children in bulk."""
    name = f"{table}_{column}_tenant_fk"[:63]
    return [
        f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{name}"',
        (
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" FOREIGN KEY (organization_id, "{column}") '
            f'REFERENCES "{target}" (organization_id, id) DEFERRABLE INITIALLY DEFERRED'
        ),
    ]
