"""Resources and allocations, and what keeps two allocations of one vehicle apart.

PostgreSQL: an exclusion constraint (chapters 5.4.6 and 8.17.10 of its manual). SQLite: triggers. A period that is
infinite on a side has a null there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
NOW = {"postgresql": "statement_timestamp()", "sqlite": "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"}


def upgrade() -> None:
    """Make both tables and their guards."""
    dialect = op.get_bind().dialect.name
    _make_resources(NOW[dialect])
    _make_allocations(NOW[dialect])
    if dialect == "postgresql":
        _exclude_overlaps()
    else:
        _refuse_overlaps_by_trigger()


def downgrade() -> None:
    """Drop both tables, with everything in them."""
    op.drop_table("continuous_resource_allocations")
    op.drop_table("continuous_resources")


def _make_resources(now: str) -> None:
    op.create_table(
        "continuous_resources",
        sa.Column("key", KEY, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_type", sa.String(36), nullable=False),
        sa.Column("name", sa.String(36), nullable=False),
        sa.Column("attributes", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("created", INSTANT, server_default=sa.text(now), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("decommissioned", INSTANT),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_continuous_resources")),
        sa.UniqueConstraint("id", name=op.f("uq_continuous_resources_id")),
    )
    in_circulation = sa.text("decommissioned IS NULL")
    op.create_index(
        op.f("uq_continuous_resources_name_in_circulation"),
        "continuous_resources",
        ["resource_type", "name"],
        unique=True,
        sqlite_where=in_circulation,
        postgresql_where=in_circulation,
    )
    op.create_index(op.f("ix_continuous_resources_resource_type"), "continuous_resources", ["resource_type", "key"])


def _make_allocations(now: str) -> None:
    op.create_table(
        "continuous_resource_allocations",
        sa.Column("key", KEY, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource_key", KEY, nullable=False),
        sa.Column("starts", INSTANT),
        sa.Column("ends", INSTANT),
        sa.Column("allocation_type", sa.String(20), server_default="booking", nullable=False),
        sa.Column("description", sa.String(100)),
        sa.Column("dump", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("expires", INSTANT),
        sa.Column("created", INSTANT, server_default=sa.text(now), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_continuous_resource_allocations")),
        sa.UniqueConstraint("id", name=op.f("uq_continuous_resource_allocations_id")),
        sa.ForeignKeyConstraint(
            ["resource_key"],
            ["continuous_resources.key"],
            name=op.f("fk_continuous_resource_allocations_resource_key"),
        ),
        sa.CheckConstraint("starts < ends", name=op.f("ck_continuous_resource_allocations_period_not_empty")),
        *_bounds_that_compare(),
    )
    # The instants that are asked for: one vehicle's in order, every vehicle's in order, and what has not ended.
    nulls_first = sa.text("starts NULLS FIRST" if op.get_bind().dialect.name == "postgresql" else "starts")
    table = "continuous_resource_allocations"
    op.create_index(op.f("ix_continuous_resource_allocations_resource_key"), table, ["resource_key", nulls_first])
    op.create_index(op.f("ix_continuous_resource_allocations_starts"), table, [nulls_first, "key"])
    op.create_index(op.f("ix_continuous_resource_allocations_ends"), table, ["ends"])


def _bounds_that_compare() -> list[sa.CheckConstraint]:
    """Refuse, from whatever client, a bound that would compare as something other than an instant."""
    if op.get_bind().dialect.name == "postgresql":
        # tstzrange takes the literal 'infinity' for an instant like any other: infinity is a null.
        form = "isfinite({0})"
    else:
        # SQLite stores any text; only this form sorts as time does.
        form = (
            "length({0}) = 26"
            # "+0 days" has it reckon: without, the 30th of February stays what it is.
            " AND strftime('%Y-%m-%d %H:%M:%S', substr({0}, 1, 19), '+0 days') = substr({0}, 1, 19)"
            " AND substr({0}, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]'"
        )
    return [
        sa.CheckConstraint(
            f"{side} IS NULL OR ({form.format(side)})",
            name=op.f(f"ck_continuous_resource_allocations_{side}_is_an_instant"),
        )
        for side in ("starts", "ends")
    ]


def _exclude_overlaps() -> None:
    # btree_gist compares the integer key inside a GiST index; it is a trusted extension: no superuser needed.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute(
        "ALTER TABLE continuous_resource_allocations"
        " ADD CONSTRAINT ex_continuous_resource_allocations_no_overlap"
        " EXCLUDE USING gist (resource_key WITH =, tstzrange(starts, ends) WITH &&)"
    )


# Allocations of one vehicle never overlap, so two look-ups by index decide: the one without a start, which is before
# all others, and the one that starts last before the new one ends. Whatever starts earlier ends earlier still.
_OVERLAP = """
EXISTS (
    SELECT 1 FROM continuous_resource_allocations
    WHERE resource_key = NEW.resource_key AND {not_itself} AND starts IS NULL
      AND (ends IS NULL OR NEW.starts IS NULL OR NEW.starts < ends)
) OR EXISTS (
    SELECT 1 FROM (
        SELECT ends FROM continuous_resource_allocations
        WHERE resource_key = NEW.resource_key AND {not_itself} AND starts < coalesce(NEW.ends, '~')
        ORDER BY starts DESC LIMIT 1
    )
    WHERE ends IS NULL OR NEW.starts IS NULL OR NEW.starts < ends
)
"""


def _refuse_overlaps_by_trigger() -> None:
    for event, not_itself in (("INSERT", "TRUE"), ("UPDATE", "key <> OLD.key")):
        op.execute(
            f"CREATE TRIGGER tr_continuous_resource_allocations_no_overlap_{event.lower()}"
            f" BEFORE {event} ON continuous_resource_allocations"
            f" WHEN {_OVERLAP.format(not_itself=not_itself)}"
            " BEGIN SELECT RAISE(ABORT, 'period_taken'); END"
        )
