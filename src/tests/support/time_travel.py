"""Simulated passing of time: moves stored instants into the past, because the database's clock cannot be changed."""

from datetime import timedelta

from sqlalchemy import select, update

from invsys.inventory.db.models import db


def shift_timestamps(app, column, **time):
    """Move every instant of a column, such as ``Event.at``, into the past by a timedelta."""
    with app.app_context(), db.engine.begin() as connection:
        # Oldest first: otherwise an instant could be moved onto one that is still to be moved.
        for instant in connection.scalars(select(column).where(column.is_not(None)).distinct().order_by(column)).all():
            values = {column: instant - timedelta(**time)}
            connection.execute(update(column.class_).where(column == instant).values(values))
