"""The table of pallets, and the oldest revision whose version of the service works on this database.

An older version of the service reads the revision when it starts. A later migration that does not only add to the
schema must raise it: ``UPDATE alembic_version SET compatible_revision = ...``. The column must stay.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the table and the column."""
    op.add_column(
        "alembic_version", sa.Column("compatible_revision", sa.String(32), nullable=False, server_default=revision)
    )
    op.create_table(
        "pallets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(36), nullable=False),
        sa.Column("description", sa.String(200)),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(255)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pallets")),
        sa.UniqueConstraint("name", name=op.f("uq_pallets_name")),
    )


def downgrade() -> None:
    """Drop the table and the column."""
    op.drop_table("pallets")
    op.drop_column("alembic_version", "compatible_revision")
