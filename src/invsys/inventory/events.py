"""The change feed: every change once, none of them passed by because its transaction was slow to commit."""

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select

from invsys.inventory import database
from invsys.inventory.models import Event, Row

_PAGE = (
    select(*Event.__table__.columns).where(Event.key > bindparam("after")).order_by(Event.key).limit(bindparam("limit"))
)
_SETTLED = _PAGE.where(Event.key <= bindparam("horizon"))


def page(after: int, limit: int) -> Sequence[Row]:
    """Give up to ``limit`` events whose keys follow ``after``, in the order of their keys."""
    values = {"after": after, "limit": limit}
    with database.read() as connection:
        if connection.dialect.name == "sqlite":  # which has one writer: keys are drawn in the order of commits
            return connection.execute(_PAGE, values).mappings().all()
        # By a statement of its own: only what begins later is sure to see everything up to there.
        horizon = connection.scalar(select(func.event_horizon()))
        return connection.execute(_SETTLED, {**values, "horizon": horizon}).mappings().all()
