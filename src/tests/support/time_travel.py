"""Time that passes for a database: what is kept of instants moves into the past, as its clock cannot be moved ahead."""

from datetime import timedelta

from sqlalchemy import select, update

from invsys.inventory.db.models import db


def pass_for(app, column, **time):
    """Let time (as timedelta takes it) pass for every instant of a column, such as ``Event.at``."""
    with app.app_context(), db.engine.begin() as connection:
        # The earliest first, so that none is moved onto one that has still to be moved.
        for instant in connection.scalars(select(column).where(column.is_not(None)).distinct().order_by(column)).all():
            moved = {column: instant - timedelta(**time)}
            connection.execute(update(column.class_).where(column == instant).values(moved))
