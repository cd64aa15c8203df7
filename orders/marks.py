"""The migration operation by which a table marks the days whose figures it changes, whoever writes and by what means.

An act may forget to say that a day is stale, and a merge moves rows of tables it knows nothing of; a trigger sees every
statement. It runs once a statement, whatever the number of rows (decision 0022).
"""

from collections.abc import Sequence

from django.db import migrations

# The plan is kept for the session. Made while tables are empty it may read them whole, and these settings leave it to
# find rows by key however few there are. What changed is looked at first: most statements change nothing here.
_SETTINGS = "SET enable_nestloop = off SET enable_seqscan = off"
_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {settings} AS $$
BEGIN
  IF EXISTS ({changed}) THEN
    INSERT INTO orders_staleday (organization_id, day)
    WITH changed AS MATERIALIZED ({changed}),
         moments AS ({moments})
    SELECT DISTINCT m.organization_id, (m.at AT TIME ZONE g.timezone)::date
      FROM moments m JOIN profiles_organization g ON g.id = m.organization_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER {trigger} AFTER {event} ON {table} {references}
  FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""
_REFERENCES = {
    "insert": "REFERENCING NEW TABLE AS fresh",
    "update": "REFERENCING OLD TABLE AS former NEW TABLE AS fresh",
    "delete": "REFERENCING OLD TABLE AS former",
}


def each(rows: str) -> str:
    """These rows for each row before it: SQL for a FROM clause that the planner can only answer one by one, by key."""
    return f"CROSS JOIN LATERAL ({rows} OFFSET 0)"


def by(table: str, *, watching: Sequence[str], moments: str, as_name: str = "") -> migrations.RunSQL:
    """Mark the days of `moments` when rows of this table come, go, or change in a watched column.

    `moments` is SQL that selects `organization_id` and `at` from `changed c`, which holds the watched columns and the
    id of each such row as it was and as it is. Several sets of triggers of one table differ by `as_name`.
    """
    columns = ("organization_id", "id", *watching)
    names = ", ".join(columns)
    was, now = (", ".join(f"{version}.{column}" for column in columns) for version in ("f", "v"))
    changed = {
        "insert": f"SELECT {names} FROM fresh",
        "delete": f"SELECT {names} FROM former",
        "update": f"SELECT b.* FROM fresh v JOIN former f ON f.id = v.id"
        f" CROSS JOIN LATERAL (VALUES ({was}), ({now})) b({names}) WHERE ({was}) IS DISTINCT FROM ({now})",
    }
    trigger = f"mark_{as_name or 'days'}"
    made = [
        _FUNCTION.format(
            name=f"{table}_{trigger}_{event}",
            trigger=f"{trigger}_{event}",
            event=event.upper(),
            settings=_SETTINGS,
            table=table,
            references=references,
            changed=changed[event],
            moments=moments,
        )
        for event, references in _REFERENCES.items()
    ]
    undone = [
        f"DROP TRIGGER {trigger}_{event} ON {table}; DROP FUNCTION {table}_{trigger}_{event}();"
        for event in _REFERENCES
    ]
    return migrations.RunSQL("".join(made), "".join(undone))


PLANNED_ONCE = """
DO $do$
DECLARE made record;
BEGIN
  FOR made IN SELECT pg_get_functiondef(oid) AS words FROM pg_proc
               WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype
                 AND proname ~ '_mark_[a-z]+_(insert|update|delete)$' AND prosrc LIKE '%EXECUTE $mark$%'
  LOOP
    EXECUTE replace(replace(regexp_replace(made.words, 'SET enable_nestloop TO .off.',
      'SET enable_nestloop = off SET enable_seqscan = off'), 'EXECUTE $mark$', ''), '$mark$;', ';');
  END LOOP;
END $do$;
"""
"""Has the functions that `by` made in former releases keep their plans, as it makes them now."""


_ZONE = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO orders_staleday (organization_id, day)
  SELECT DISTINCT NEW.id, (m.{moment} AT TIME ZONE z.zone)::date
    FROM {table} m, (VALUES (OLD.timezone), (NEW.timezone)) z(zone) WHERE m.organization_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER {name} AFTER UPDATE OF timezone ON profiles_organization
  FOR EACH ROW WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone) EXECUTE FUNCTION {name}();
"""


def by_zone(table: str, *, moment: str) -> migrations.RunSQL:
    """Mark every day of this table, by both calendars, when its organization's time zone is changed."""
    name = f"{table}_mark_zone"
    return migrations.RunSQL(
        _ZONE.format(name=name, table=table, moment=moment),
        f"DROP TRIGGER {name} ON profiles_organization; DROP FUNCTION {name}();",
    )


def all_days(table: str, *, moment: str) -> str:
    """SQL that marks every day of this table's rows, for `tenancy.InEachOrganization`."""
    return (
        f"INSERT INTO orders_staleday (organization_id, day) SELECT DISTINCT m.organization_id,"
        f" (m.{moment} AT TIME ZONE g.timezone)::date FROM {table} m"
        f" JOIN profiles_organization g ON g.id = m.organization_id"
    )
