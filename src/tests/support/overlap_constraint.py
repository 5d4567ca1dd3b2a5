"""Drops the constraint, or the triggers, that reject overlapping allocations, and creates them again."""

from invsys.inventory.db.models import db

CONSTRAINT = "ex_continuous_resource_allocations_no_overlap"
_DROP = f"ALTER TABLE continuous_resource_allocations DROP CONSTRAINT {CONSTRAINT}"
_ADD = f"ALTER TABLE continuous_resource_allocations ADD CONSTRAINT {CONSTRAINT} "


def drop():
    """Drop the constraint or the triggers; return the statements that create them again."""
    with db.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            definition = f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{CONSTRAINT}'"
            add = _ADD + connection.exec_driver_sql(definition).scalar_one()
            connection.exec_driver_sql(_DROP)
            return [add]
        select = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%no_overlap%'"
        triggers = connection.exec_driver_sql(select).all()
        for name, _ in triggers:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return [sql for _, sql in triggers]


def restore(statements):
    """Execute the statements that ``drop`` returned."""
    with db.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
