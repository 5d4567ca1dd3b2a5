"""Resources and allocations, with the constraint that prevents overlapping allocations of a vehicle.

PostgreSQL uses an exclusion constraint (sections 5.4.6 and 8.17.10 of its manual), SQLite uses triggers. An infinite
start or end of a period is null.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
NOW = {"postgresql": "statement_timestamp()", "sqlite": "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"}


def upgrade() -> None:
    """Create both tables and the overlap constraint."""
    dialect = op.get_bind().dialect.name
    _create_resources(NOW[dialect])
    _create_allocations(NOW[dialect])
    if dialect == "postgresql":
        _create_overlap_constraint()
    else:
        _create_overlap_triggers()


def downgrade() -> None:
    """Drop both tables with their rows."""
    op.drop_table("continuous_resource_allocations")
    op.drop_table("continuous_resources")


def _create_resources(now: str) -> None:
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


def _create_allocations(now: str) -> None:
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
        *_bound_checks(),
    )
    # For queries by vehicle and start, by start for all vehicles, and by end.
    nulls_first = sa.text("starts NULLS FIRST" if op.get_bind().dialect.name == "postgresql" else "starts")
    table = "continuous_resource_allocations"
    op.create_index(op.f("ix_continuous_resource_allocations_resource_key"), table, ["resource_key", nulls_first])
    op.create_index(op.f("ix_continuous_resource_allocations_starts"), table, [nulls_first, "key"])
    op.create_index(op.f("ix_continuous_resource_allocations_ends"), table, ["ends"])


def _bound_checks() -> list[sa.CheckConstraint]:
    """Return checks that reject a start or an end that cannot be compared as an instant, whatever program writes it."""
    if op.get_bind().dialect.name == "postgresql":
        # tstzrange treats the literal 'infinity' as an ordinary instant. Here infinity is null.
        form = "isfinite({0})"
    else:
        # SQLite stores any text. Only this format sorts chronologically.
        form = (
            "length({0}) = 26"
            # "+0 days" normalizes the date. Without it, 30 February would be returned unchanged.
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


def _create_overlap_constraint() -> None:
    # btree_gist supports the integer key in a GiST index. It is a trusted extension, so no superuser is needed.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute(
        "ALTER TABLE continuous_resource_allocations"
        " ADD CONSTRAINT ex_continuous_resource_allocations_no_overlap"
        " EXCLUDE USING gist (resource_key WITH =, tstzrange(starts, ends) WITH &&)"
    )


# Existing allocations of a vehicle do not overlap, so two index look-ups are sufficient: the allocation without a
# start, which precedes all others, and the last one that starts before the new one ends. All earlier ones end before
# that one starts.
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


def _create_overlap_triggers() -> None:
    for event, not_itself in (("INSERT", "TRUE"), ("UPDATE", "key <> OLD.key")):
        op.execute(
            f"CREATE TRIGGER tr_continuous_resource_allocations_no_overlap_{event.lower()}"
            f" BEFORE {event} ON continuous_resource_allocations"
            f" WHEN {_OVERLAP.format(not_itself=not_itself)}"
            " BEGIN SELECT RAISE(ABORT, 'period_taken'); END"
        )
