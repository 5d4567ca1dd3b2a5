"""Simulated time: changes stored timestamps, because tests cannot change the clock of the database."""

from datetime import timedelta

from sqlalchemy import select, update

from invsys.inventory.db.models import db

# Lets all holds expire now, on PostgreSQL. A statement that has begun before still sees them as active by its own time.
EXPIRE_HOLDS = "UPDATE continuous_resource_allocations SET expires = clock_timestamp() WHERE expires IS NOT NULL"


def shift_timestamps(app, column, **time):
    """Move every timestamp of a column, such as ``Event.at``, into the past; ``time`` are arguments of timedelta."""
    with app.app_context(), db.engine.begin() as connection:
        # Oldest first: otherwise a moved timestamp could equal a later one, and be moved twice.
        for instant in connection.scalars(select(column).where(column.is_not(None)).distinct().order_by(column)).all():
            values = {column: instant - timedelta(**time)}
            connection.execute(update(column.class_).where(column == instant).values(values))
